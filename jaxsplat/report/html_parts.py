"""What parts.html shows of a part that several queries show."""

import dataclasses

from jaxsplat.report import html_rows
from jaxsplat.report.content import PartRow


@dataclasses.dataclass(frozen=True)
class Row:
    """The values of one row of parts.html.

    Attributes:
        name: of the part.
        tag: CSS class and words of the verdict.
        score: in words, like the others.
        p_value: see there.
        truth: see there.
        photographs: how many show it.
    """

    name: str
    tag: tuple[str, str]
    score: str
    p_value: str
    truth: str
    photographs: int


def row(part: PartRow) -> Row:
    """Returns the verdict about a part, and what it was worth."""
    return Row(
        part.name,
        html_rows.verdict_tag(part.defective, part.is_defective),
        html_rows.number(part.score, ".4g"),
        html_rows.number(part.p_value, ".2g"),
        "defective" if part.is_defective else "good",
        part.photographs,
    )
