"""What query.html shows of one query: its tags, numbers and pictures."""

import dataclasses
from collections.abc import Callable

from jaxsplat.data.views import GOOD
from jaxsplat.report import figures, html_strip
from jaxsplat.report.content import QueryRow
from jaxsplat.report.figures import Rgb8

_NO_SCORE = "-1e300"  # below all others when the page's script sorts


@dataclasses.dataclass(frozen=True)
class Label:
    """What the section as a whole needs of a query whose pictures are written.

    Attributes:
        kind: its true kind, in words.
        states: of `wrong`, `missed`, `alarm`, `lost`, those that hold.
        dot: its place in the drawing of scores.
    """

    kind: str
    states: tuple[str, ...]
    dot: html_strip.Dot


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture, whose source is "" where `otherwise` says why there is none."""

    caption: str
    source: str
    width: int
    height: int
    otherwise: str


@dataclasses.dataclass(frozen=True)
class Query:
    """The values of query.html.

    Attributes:
        name: the view's name.
        kind: see `Label`.
        states: see `Label`.
        order: the score as the page's script sorts by it.
        part: that it shows beside other queries, "" where none is known.
        tags: CSS class and words of the verdict and of what is in doubt.
        why: why there is no verdict, "" where there is one.
        facts: heading and text of each number.
        pictures: the photograph, the good twin, the map, the truth.
        levels: maps of what the map joins.
    """

    name: str
    kind: str
    states: tuple[str, ...]
    order: str
    part: str
    tags: tuple[tuple[str, str], ...]
    why: str
    facts: tuple[tuple[str, str], ...]
    pictures: tuple[Picture, ...]
    levels: tuple[Picture, ...]


# Takes a query's name, what its picture is, and the JPEG; returns the picture's source.
Keep = Callable[[str, str, bytes], str]


def picture_side(queries: int) -> int:
    """Returns the longer side of pictures in pixels, smaller in a very long section."""
    return 224 if queries <= 400 else 160 if queries <= 1200 else 96


def label(row: QueryRow) -> Label:
    """Returns what remains of a row once it is written."""
    truth = _truth(row)
    states = ["lost"] if row.in_doubt else []
    if row.defective is not None and truth != "unknown":
        if row.defective != (truth == "defect"):
            states += ["wrong", "alarm" if row.defective else "missed"]
    kind = row.defect_type if row.defect_type is not None else "truth not known"
    return Label(
        kind, tuple(states), html_strip.Dot(row.name, truth, row.score, row.p_value)
    )


def query(row: QueryRow, scale: tuple[float, float], side: int, keep: Keep) -> Query:
    """Returns the values of one row of the page.

    Args:
        row: the query.
        scale: anomaly values of the coldest and the hottest colour.
        side: longer side of the pictures in pixels.
        keep: takes the pictures.
    """
    known = label(row)
    pictures, levels = _pictures(row, scale, side, keep)
    return Query(
        name=row.name,
        kind=known.kind,
        states=known.states,
        order=_NO_SCORE if row.score is None else f"{row.score:.8g}",
        part=row.part or "",
        tags=_tags(row),
        why=row.why,
        facts=_facts(row, known.kind),
        pictures=pictures,
        levels=levels,
    )


def _truth(row: QueryRow) -> str:
    if row.defect_type is None:
        return "unknown"
    return "good" if row.defect_type == GOOD else "defect"


def verdict_tag(defective: bool | None, is_defective: bool | None) -> tuple[str, str]:
    """Returns CSS class and words of a verdict, and of what it was worth.

    Args:
        defective: the verdict, None where there is none.
        is_defective: the truth, None where not known.
    """
    if defective is None:
        return "", "no verdict"
    word = "defect" if defective else "good"
    if is_defective is None:
        return "", word
    if defective == is_defective:
        return "right", f"{word}: right"
    return "wrong", f"{word}: {'false alarm' if defective else 'missed'}"


def number(value: float | None, form: str) -> str:
    """Returns a number in a form of `format`, or that there is none."""
    return "n/a" if value is None else format(value, form)


def _tags(row: QueryRow) -> tuple[tuple[str, str], ...]:
    known = None if row.defect_type is None else row.defect_type != GOOD
    verdict = verdict_tag(row.defective, known)
    return (verdict, ("doubt", "pose in doubt")) if row.in_doubt else (verdict,)


def _facts(row: QueryRow, kind: str) -> tuple[tuple[str, str], ...]:
    facts = [
        ("Score", number(row.score, ".4g")),
        ("Truth", kind),
        ("Pose", row.pose_outcome),
    ]
    if row.p_value is not None:
        facts.insert(1, ("p-value", f"{row.p_value:.2g}"))
    if row.rotation_deg is not None:
        facts.append(("Rotation", f"{row.rotation_deg:.3f}° off"))
    if row.translation_rel is not None:
        facts.append(("Position", f"{100 * row.translation_rel:.3f} % off"))
    return tuple(facts)


def _pictures(
    row: QueryRow, scale: tuple[float, float], side: int, keep: Keep
) -> tuple[tuple[Picture, ...], tuple[Picture, ...]]:
    photo = figures.thumbnail(figures.to_uint8(row.photo), side)
    render = heat = truth = None
    if row.render is not None:
        render = figures.thumbnail(figures.to_uint8(row.render), side)
    if row.anomaly_map is not None:
        heat = figures.overlay(photo, row.anomaly_map, scale)
    if row.mask is not None and row.mask.any():
        truth = figures.outline(photo, row.mask)
    nothing = "good: nothing to mark" if row.defect_type == GOOD else "no truth"

    def picture(caption: str, kind: str, image: Rgb8 | None, otherwise: str) -> Picture:
        if image is None:
            return Picture(caption, "", 0, 0, otherwise)
        source = keep(row.name, kind, figures.encode_jpeg(image))
        height, width = image.shape[:2]
        return Picture(caption, source, width, height, otherwise)

    whole = (
        picture("Query", "query", photo, ""),
        picture("Good twin", "twin", render, "no render"),
        picture("Anomaly", "anomaly", heat, "no map"),
        picture("Truth", "truth", truth, nothing),
    )
    levels = tuple(
        picture(name, f"level{number}", figures.overlay(photo, values, scale), "")
        for number, (name, values) in enumerate(row.level_maps.items())
    )
    return whole, levels
