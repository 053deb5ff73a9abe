"""The page in a browser: nothing goes wrong, and the keyboard reaches everything."""

import dataclasses
import pathlib

import numpy as np
import pytest

from jaxsplat.report import (
    CategoryReport,
    Chart,
    FitView,
    Line,
    PartRow,
    RunFolder,
    html_pictures,
    metrics_record,
    write_section,
)
from tests.helpers import chromium
from tests.report.test_html import METRICS, PHOTO, RIGHT


def write_page(root: pathlib.Path) -> pathlib.Path:
    """Writes a page with two queries and all that a section can have."""
    good = dataclasses.replace(
        RIGHT, name="good/1.png", defect_type="good", score=0.1, p_value=0.5
    )
    missed = dataclasses.replace(
        RIGHT, name="Burrs/2.png", defective=False, score=0.4, part='a "b"'
    )
    line = Line("queries", "other", np.array([[0.0, 0.0], [1.0, 1.0]]))
    with RunFolder(root, {}, resume=False) as run:
        category = CategoryReport(
            *("a", 2, [good, missed], (0.0, 1.0), 0.5),
            charts=(Chart("ROC", "x", "y", (line,)),),
            fit=(FitView("v.png", 30.0, PHOTO, PHOTO, PHOTO[..., 0]),),
            parts=(PartRow('a "b"', 1, True, 0.4, False, 0.5),),
        )
        write_section(run.category("a"), category)
        return run.write_report("Page", metrics_record({"a": METRICS}, {}, {}))


@pytest.mark.slow
@pytest.mark.parametrize("are_inside", [True, False])
def test_the_page_works_in_chromium(
    loopback: None,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    are_inside: bool,
) -> None:
    if not are_inside:
        monkeypatch.setattr(html_pictures, "_MOST_INSIDE", 0)
    path = write_page(tmp_path / "run")
    with chromium.browser() as page:
        page.open(path.as_uri())
        page.press("input.wipe", chromium.RIGHT * 30)
        wiped = page.run("return document.querySelector('img.over').style.clipPath")
        assert wiped == "inset(0px 70% 0px 0px)"
        page.press("button[data-filter=missed]", chromium.ENTER)
        shown = "return [...document.querySelectorAll('article.query')]"
        name = "a => a.querySelector('h3').textContent"
        names = f"{shown}.filter(a => !a.hidden).map({name})"
        assert page.run(names) == ["Burrs/2.png"]
        page.press("button[data-filter=all]", chromium.ENTER)
        assert page.run(names) == ["good/1.png", "Burrs/2.png"]
        page.press("button[data-part]", chromium.ENTER)
        assert page.run(names) == ["Burrs/2.png"]
        page.run("for (const d of document.querySelectorAll('details')) d.open = true")
        loaded = (
            "const all = [...document.images]; all.forEach(i => i.loading = 'eager');"
            "return all.every(i => i.complete && i.naturalWidth > 0)"
        )
        assert page.until(loaded)
        assert page.console_errors() == []
