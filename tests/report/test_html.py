"""The page: self-contained, escaped, complete, small enough."""

import dataclasses
import html.parser
import re
from collections.abc import Iterator

import numpy as np
import pytest

from jaxsplat.report import (
    CategoryMetrics,
    CategoryReport,
    QueryRow,
    QuerySeconds,
    RunReport,
    Seconds,
    metrics_record,
    page,
)
from jaxsplat.report.html_rows import picture_side

HOSTILE = "<script>alert('x')</script>\"&\ud800"
PHOTO = np.full((40, 50, 3), 0.5, dtype=np.float32)
MASK = np.zeros((40, 50), dtype=bool)
MASK[10:20, 10:20] = True
HEAT = MASK[::2, ::2].astype(np.float32)
RIGHT = QueryRow(
    "test/Burrs/000.png", "Burrs", PHOTO, 0.9, "converged", False, PHOTO, HEAT, MASK
)
METRICS = CategoryMetrics(
    *(0.9, 0.9, None, 0.5, 30.0, 10, 2),
    Seconds(1.0, 1.0, QuerySeconds(0.1, 0.1, 0.1, 0.3), 5.0),
    reasons={"aupro": "no mask"},
)


def made(
    *rows: QueryRow, name: str = "01Penguin", threshold: float | None = 0.5
) -> str:
    record = metrics_record(
        {name: METRICS}, {"method": name, "size": None}, {"jax": "0.10.2"}
    )
    category = CategoryReport(
        name, iter(rows), (0.0, 1.0), threshold, "held-out views", (name,)
    )
    return page(RunReport(f"Report of {name}", record, (category,)))


class Tags(html.parser.HTMLParser):
    """Collects the tags of a page and checks that they nest."""

    VOID = ("meta", "img", "path", "circle")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_loads_nothing_from_outside() -> None:
    text = made(RIGHT)
    sources = [v for k, v in Tags(text).attributes if k in ("src", "href")]
    assert sources and all(v and v.startswith(("data:image/", "#")) for v in sources)
    assert not re.search(r"https?:|@import|url\(", text)


def test_a_row_shows_its_pictures_numbers_and_verdict() -> None:
    row = dataclasses.replace(RIGHT, rotation_deg=0.25, translation_rel=0.004)
    text = made(row)
    assert text.count("<img ") == 4
    for words in ("defect: right", "0.250° off", "0.400 % off", "held-out views"):
        assert words in text
    assert "aupro is n/a: no mask" in text
    assert "one scale for all images" in text


@pytest.mark.parametrize(
    ("changes", "words", "states"),
    [
        ({"score": 0.1}, "good: missed", "wrong missed"),
        ({"defect_type": "good"}, "defect: false alarm", "wrong alarm"),
        ({"defect_type": "good", "score": 0.1}, "good: right", ""),
        ({"pose_failed": True}, "pose in doubt", "lost"),
        ({"score": None}, "no verdict", ""),
        ({"defect_type": None, "mask": None}, "no truth", ""),
        ({"mask": None}, "no truth", ""),
        ({"defect_type": "good", "mask": MASK & False}, "nothing to mark", ""),
        ({"render": None, "anomaly_map": None}, "no render", ""),
    ],
)
def test_every_outcome_is_told(
    changes: dict[str, object], words: str, states: str
) -> None:
    text = made(dataclasses.replace(RIGHT, **changes))  # type: ignore[arg-type]
    Tags(text)
    assert words in text
    if states:
        assert f'data-state="{states}"' in text


def test_without_threshold_there_is_no_verdict() -> None:
    text = made(RIGHT, threshold=None)
    assert "get no verdict" in text and "defect: right" not in text


def test_hostile_names_are_escaped_everywhere() -> None:
    row = QueryRow(HOSTILE, HOSTILE, PHOTO, 0.9, HOSTILE)
    text = made(row, name=HOSTILE)
    assert Tags(text).seen.count("script") == 1
    assert "alert('x')" not in text


def test_no_query_at_all_still_makes_a_page() -> None:
    Tags(made())


def test_75_queries_of_400_pixels_stay_below_15_megabytes() -> None:
    # Noise is the worst case for JPEG.
    noise = np.random.default_rng(0).random((400, 400, 3), dtype=np.float32)
    heat, mask = noise[..., 0], noise[..., 1] > 0.999
    row = dataclasses.replace(
        RIGHT, photo=noise, render=noise, anomaly_map=heat, mask=mask
    )

    def rows() -> Iterator[QueryRow]:
        yield from [row] * 3

    length_of_three = len(made(*rows())) - len(made())
    assert length_of_three * 25 < 15e6


def test_long_pages_get_smaller_pictures() -> None:
    sides = [picture_side(n) for n in (1, 400, 401, 5000)]
    assert sides == sorted(sides, reverse=True) and sides[0] == 224 and sides[-1] < 100
