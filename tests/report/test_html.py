"""The page: self-contained, escaped, complete, small enough."""

import dataclasses
import html.parser
import pathlib
import re
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import jaxsplat.report
from jaxsplat.errors import DataError
from jaxsplat.report import (
    CategoryFolder,
    CategoryMetrics,
    CategoryReport,
    FitView,
    PartRow,
    QueryRow,
    QuerySeconds,
    RunFolder,
    Seconds,
    ShownForeground,
    html_pictures,
    metrics_record,
    write_section,
)
from jaxsplat.report.html_rows import picture_side
from jaxsplat.report.names import safe_name

HOSTILE = "<script>alert('x')</script>\"&\ud800"
PHOTO = np.full((40, 50, 3), 0.5, dtype=np.float32)
MASK = np.zeros((40, 50), dtype=bool)
MASK[10:20, 10:20] = True
HEAT = MASK[::2, ::2].astype(np.float32)
RIGHT = QueryRow(
    name="test/Burrs/000.png",
    defect_type="Burrs",
    photo=PHOTO,
    score=0.9,
    pose_outcome="converged",
    render=PHOTO,
    anomaly_map=HEAT,
    mask=MASK,
    defective=True,
)
METRICS = CategoryMetrics(
    *(0.9, 0.9, None, 0.5, 0.8, 0.6, 0.4, 30.0, 10, 2),
    Seconds(1.0, 1.0, QuerySeconds(0.1, 0.1, 0.1, 0.3), 5.0),
    reasons={"aupro": "no mask"},
)


TEMPLATES = pathlib.Path(jaxsplat.report.__file__).parent / "templates"
Make = Callable[..., str]


@pytest.fixture
def made(tmp_path: pathlib.Path) -> Make:
    """Returns a function from rows to the page of a run with one category."""

    def make(
        *rows: QueryRow,
        name: str = "01Penguin",
        threshold: float | None = 0.5,
        source: str = "held-out views",
        foreground: ShownForeground | None = None,
        parts: tuple[PartRow, ...] = (),
    ) -> str:
        category = CategoryReport(
            *(name, len(rows), iter(rows), (0.0, 1.0), threshold, source, (name,)),
            foreground=foreground,
            parts=parts,
        )
        with RunFolder(tmp_path / "run", {"method": name}, resume=False) as run:
            write_section(run.category(name), category)
            record = metrics_record({name: METRICS}, run.config, {"jax": "0.10.2"})
            return run.write_report(f"Report of {name}", record).read_text("utf-8")

    return make


class Tags(html.parser.HTMLParser):
    """Collects the tags of a page and checks that they nest."""

    VOID = ("meta", "img", "input", "link")

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
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_loads_nothing_from_outside(made: Make) -> None:
    text = made(RIGHT)
    sources = [v for k, v in Tags(text).attributes if k in ("src", "href")]
    assert sources and all(v and v.startswith(("data:image/", "#")) for v in sources)
    assert not re.search(r"https?:|@import|url\(", text)


def test_a_row_shows_its_pictures_numbers_and_verdict(made: Make) -> None:
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
        ({"defective": False}, "good: missed", "wrong missed"),
        ({"defect_type": "good"}, "defect: false alarm", "wrong alarm"),
        ({"defect_type": "good", "defective": False}, "good: right", ""),
        ({"in_doubt": True}, "pose in doubt", "lost"),
        ({"score": None, "defective": None}, "no verdict", ""),
        ({"defective": None, "why": "The map is not finite."}, "is not finite.", ""),
        ({"defect_type": None, "mask": None}, "no truth", ""),
        ({"mask": None}, "no truth", ""),
        ({"defect_type": "good", "mask": MASK & False}, "nothing to mark", ""),
        ({"render": None, "anomaly_map": None}, "no render", ""),
    ],
)
def test_every_outcome_is_told(
    made: Make, changes: dict[str, object], words: str, states: str
) -> None:
    text = made(dataclasses.replace(RIGHT, **changes))  # type: ignore[arg-type]
    Tags(text)
    assert words in text
    if states:
        assert f'data-state="{states}"' in text


def test_the_verdict_is_the_detectors_whatever_the_score(made: Make) -> None:
    text = made(dataclasses.replace(RIGHT, score=0.1), threshold=0.5)
    assert "defect: right" in text and 'data-state=""' in text


def test_without_threshold_the_page_says_why(made: Make) -> None:
    row = dataclasses.replace(RIGHT, defective=None)
    text = made(row, threshold=None, source="no good view was held out")
    assert "get no verdict (no good view was held out)." in text
    assert "no verdict</span>" in text and 'class="limit"' not in text


def test_the_scores_are_drawn_with_the_threshold(made: Make) -> None:
    good = dataclasses.replace(RIGHT, defect_type="good", score=0.1)
    text = made(RIGHT, good, dataclasses.replace(RIGHT, score=None), threshold=0.5)
    # The lowest value lies at 90 of the drawing's units, the highest at 830.
    assert re.findall(r'<circle class="is-(\w+)".* cx="([\d.]+)"', text) == [
        ("defect", "830.0"),
        ("good", "90.0"),
    ]
    assert '<path class="limit" d="M460.0 20V84"/>' in text


def test_where_the_object_was_found_is_told_and_shown(made: Make) -> None:
    pictures = np.full((2, 30, 40, 3), 90, np.uint8)
    shown = ShownForeground(
        "the object is found by masks; silhouettes agree in 97 %",
        (f"{HOSTILE}.png", "c.png"),
        ("a.png", f"{HOSTILE}.png"),
        pictures,
    )
    text = made(RIGHT, foreground=shown)
    Tags(text)
    assert "<h3>Where the object is</h3>" in text
    assert "The object is found by masks; silhouettes agree in 97 %; views" in text
    assert ".png, c.png</p>" in text and "<script>alert" not in text
    assert text.count('width="40" height="30" alt="Training view ') == 2
    assert text.count("which disagrees with the other views") == 1
    assert text.count(">disagrees</span>") == 1
    alone = made(RIGHT, foreground=dataclasses.replace(shown, disagreeing=()))
    assert "views that disagree: none" in alone and ">disagrees<" not in alone
    assert "Where the object is" not in made(RIGHT)


def test_style_and_script_are_inside_as_they_are(made: Make) -> None:
    text = made(RIGHT)
    for name in ("style.css", "script.js"):
        assert (TEMPLATES / name).read_text().rstrip("\n") in text


def test_one_row_is_in_memory_at_a_time(tmp_path: pathlib.Path) -> None:
    alive: list[weakref.ref[np.ndarray]] = []

    def rows() -> Iterator[QueryRow]:
        for _ in range(4):
            # The row before is still held by the loop that asks for this one.
            assert all(photo() is None for photo in alive[:-1])
            photo = PHOTO.copy()
            alive.append(weakref.ref(photo))
            yield dataclasses.replace(RIGHT, photo=photo)
            del photo

    folder = CategoryFolder(tmp_path / "a", "hash")
    write_section(folder, CategoryReport("a", 4, rows(), (0.0, 1.0)))
    assert len(alive) == 4
    assert {item.name for item in folder.path.iterdir()} == {
        "pictures",
        "results.jsonl",
        "section.html",
    }


def test_an_error_in_a_row_leaves_the_section_that_was_there(
    tmp_path: pathlib.Path,
) -> None:
    def rows() -> Iterator[QueryRow]:
        yield RIGHT
        raise OSError("a photograph is gone")

    folder = CategoryFolder(tmp_path / "a", "hash")
    write_section(folder, CategoryReport("a", 1, [RIGHT], (0.0, 1.0)))
    before = folder.section_path.read_bytes()
    with pytest.raises(OSError, match="is gone"):
        write_section(folder, CategoryReport("a", 2, rows(), (0.0, 1.0)))
    assert folder.section_path.read_bytes() == before
    assert len(list(folder.path.iterdir())) == 3


def test_links_lead_to_the_sections_in_order(tmp_path: pathlib.Path) -> None:
    names = ["b b", "a"]
    with RunFolder(tmp_path, {}, resume=True) as run:
        for name in names:
            report = CategoryReport(name, 1, [RIGHT], (0.0, 1.0))
            write_section(run.category(name), report)
        record = metrics_record(dict.fromkeys(names, METRICS), {}, {})
        text = run.write_report("Two", record).read_text()
    links = re.findall(r'<a href="#([^"]+)">', text)
    sections = re.findall(r'<section class="category" id="([^"]+)">', text)
    assert links == sections == [safe_name(name) for name in names]


def test_failed_categories_are_rows_with_their_reason(tmp_path: pathlib.Path) -> None:
    with RunFolder(tmp_path, {}, resume=True) as run:
        write_section(run.category("a"), CategoryReport("a", 1, [RIGHT], (0.0, 1.0)))
        record = metrics_record({"a": METRICS}, {}, {}, {"b": "0.png is <cut>"})
        text = run.write_report("One", record).read_text()
    assert re.search(r'<tr class="failed"><td>b</td>(\s*<td>n/a</td>){13}', text)
    assert "b failed: 0.png is &lt;cut&gt;" in text
    assert "2 queries of 1 object, 1 more failed" in text
    assert 'class="mean"' not in text


def test_a_run_in_which_all_failed_still_makes_a_page(tmp_path: pathlib.Path) -> None:
    with RunFolder(tmp_path, {}, resume=True) as run:
        record = metrics_record({}, {}, {}, {"a": "no photographs"})
        text = run.write_report("None", record).read_text()
    Tags(text)
    assert "a failed: no photographs" in text
    assert text.count('<div class="tile"><b>n/a</b>') == 7


def test_hostile_names_are_escaped_everywhere(made: Make) -> None:
    row = QueryRow(HOSTILE, HOSTILE, PHOTO, 0.9, HOSTILE)
    text = made(row, name=HOSTILE)
    assert Tags(text).seen.count("script") == 1
    assert "alert('x')" not in text


def test_no_query_at_all_still_makes_a_page(made: Make) -> None:
    text = made()
    assert Tags(text).seen.count("article") == 0
    assert '<section class="category" id="01Penguin">' in text
    assert "All (0)" in text and 'class="strip"' not in text


def test_many_pictures_stay_in_folders_beside_the_page(
    made: Make, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html_pictures, "_MOST_INSIDE", 1000)
    text = made(RIGHT, name="a b")
    sources = re.findall(r'<img src="([^"]+)"', text)
    assert len(sources) == 4 and "pictures are in the folders beside" in text
    folder = safe_name("a b")
    for source in sources:
        assert source.startswith(f"{folder}/pictures/test/Burrs/000-")
        content = (tmp_path / "run" / source).read_bytes()
        assert content.startswith(b"\xff\xd8")
    assert text.count('loading="lazy"') == 4


def test_a_picture_that_is_gone_is_told(made: Make, tmp_path: pathlib.Path) -> None:
    made(RIGHT)
    section = tmp_path / "run" / "01Penguin" / "section.html"
    (section.parent / "pictures" / "test" / "Burrs" / "000-twin.jpg").unlink()
    with (
        pytest.raises(DataError, match="000-twin.jpg: cannot be read"),
        open(section, encoding="utf-8") as file,
    ):
        list(html_pictures.moved_inside(file, tmp_path / "run"))


def test_the_fit_is_shown_beside_its_photographs(tmp_path: pathlib.Path) -> None:
    view = FitView(f"{HOSTILE}.png", 31.25, PHOTO, PHOTO, PHOTO[..., 0])
    folder = CategoryFolder(tmp_path / "a", "hash")
    report = CategoryReport("a", 0, [], (0.0, 1.0), fit=(view,))
    write_section(folder, report)
    text = folder.section_path.read_text()
    Tags(text)
    assert "31.25 dB" in text and "Expected residual" in text
    assert text.count("<img ") == 4 and "<script>alert" not in text
    bare = dataclasses.replace(view, expected=None)
    write_section(folder, dataclasses.replace(report, fit=(bare,)))
    assert "Expected residual" not in folder.section_path.read_text()


def test_75_queries_of_400_pixels_stay_below_15_megabytes(made: Make) -> None:
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


def test_parts_have_a_table_and_their_queries_know_them(made: Make) -> None:
    parts = (
        PartRow(HOSTILE, 2, True, 0.91234, True, 0.0312),
        PartRow("b", 3, True, 0.4, False, 0.5),
        PartRow("c", 1, False, 0.7, True, 0.04),
        PartRow("d", 1, False, None, None, None),
    )
    page = made(dataclasses.replace(RIGHT, part=HOSTILE), parts=parts)
    assert "<script>alert" not in page
    body = page[page.index('<table class="parts">') :]
    rows = re.findall(r"<tr><td>.*?</tr>", body, re.DOTALL)
    texts = [re.sub(r"<[^>]*>", " ", row).split() for row in rows]
    assert texts[0][-7:] == ["defect:", "right", "0.9123", "0.031", *texts[0][-3:]]
    assert texts[0][-3:] == ["defective", "show", "2"]
    assert texts[1] == "b good: missed 0.4 0.5 defective show 3".split()
    assert texts[2] == "c defect: false alarm 0.7 0.04 good show 1".split()
    assert texts[3] == "d no verdict n/a n/a good show 1".split()
    assert page.count("data-shows=") == 1
    assert "<select data-parts" not in made(RIGHT)
