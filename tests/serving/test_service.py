"""The service's protocol, with a detector that computes nothing."""

import asyncio
import base64
import io
import json
import pathlib
from collections.abc import AsyncIterator

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jaxsplat.report.journal import Journal
from jaxsplat.serving.service import Limits
from tests.helpers import faults
from tests.helpers.asking import BODY_BYTES, Asked, png
from tests.helpers.fake_detector import POISON, SIDE, FakeDetector

GOOD, BAD = png(255), png(0)
FIELDS = [
    "id",
    "sha256",
    "detector",
    "verdict",
    "score",
    "p_value",
    "outcome",
    "reason",
    "hidden",
    "camera_from_world",
    "seconds",
]


def rows(folder: pathlib.Path) -> list[dict]:
    """Returns the rows of a folder of findings."""
    text = (folder / "results.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def is_one_line(response: httpx.Response) -> bool:
    """Returns whether an error is told in one line of JSON."""
    told = response.json()
    return list(told) == ["error"] and "\n" not in told["error"] != ""


def test_a_photograph_is_a_row_that_is_written_before_it_is_answered(
    tmp_path: pathlib.Path,
) -> None:
    journal = Journal(tmp_path, append=True)
    with Asked(FakeDetector(), journal).working() as asked:
        for content, verdict in ((GOOD, "good"), (BAD, "defective")):
            response = asked.answer(content=content)
            assert response.status_code == 200
            found = response.json()
            assert found["verdict"] == verdict and found["seconds"] == 0.125
            assert [*found] == [*FIELDS, "heat_map", "render"]
            assert rows(tmp_path)[-1] == found
            for kind in ("heat_map", "render"):
                with Image.open(tmp_path / found[kind]) as picture:
                    assert picture.size == (SIDE, SIDE)
    journal.close()


def test_the_heat_map_comes_when_it_is_asked_for() -> None:
    with Asked(FakeDetector()).working() as asked:
        found = asked.answer("/inspect?map=1", content=BAD).json()
        assert [*found] == [*FIELDS, "heat_map_png"]
        drawn = io.BytesIO(base64.b64decode(found["heat_map_png"]))
        with Image.open(drawn) as picture:
            assert picture.size == (SIDE, SIDE)
            assert np.ptp(np.asarray(picture, int), axis=2).max() > 50
        assert "heat_map_png" not in asked.answer(content=BAD).json()


def test_what_cannot_be_written_is_not_acknowledged(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, append=True)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with Asked(FakeDetector(), journal).working() as asked:
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "add_line", full)
            response = asked.answer(content=GOOD)
        assert response.status_code == 500 and is_one_line(response)
        assert "No space left" in response.json()["error"]
        assert asked.answer(content=GOOD).status_code == 200
    assert len(rows(tmp_path)) == 1
    journal.close()


def test_what_comes_together_is_a_batch_with_answers_of_their_own() -> None:
    detector = FakeDetector(together=4)
    with Asked(detector, window_seconds=20.0).working() as asked:
        contents = [png(level) for level in (250, 200, 100, 0)]
        answers = asked.answers(*contents)
    assert detector.batches == [4]
    scores = [response.json()["score"] for response in answers]
    assert np.allclose(scores, [1 - level / 255 for level in (250, 200, 100, 0)])
    assert 'jaxsplat_batches_total{size="4"} 1' in asked.answer("/metrics").text


def test_one_photograph_that_fails_harms_no_other() -> None:
    with Asked(FakeDetector(together=3), window_seconds=20.0).working() as asked:
        # Pixels in the middle of the file, an end that no reader minds.
        answers = asked.answers(GOOD, BAD + POISON, BAD)
    assert [response.status_code for response in answers] == [200, 500, 200]
    assert is_one_line(answers[1])
    verdicts = [answers[0].json()["verdict"], answers[2].json()["verdict"]]
    assert verdicts == ["good", "defective"]


def test_beyond_the_line_a_photograph_is_asked_to_come_later() -> None:
    detector = FakeDetector()
    detector.may_go.clear()
    asked = Asked(detector, places=2)

    async def ask() -> list[httpx.Response]:
        first = [asyncio.create_task(asked.ask(content=GOOD)) for _ in range(2)]
        while asked.service.line.length < 2:
            await asyncio.sleep(0.01)
        refused = await asked.ask(content=GOOD)
        assert "jaxsplat_queue_length 2" in (await asked.ask("/metrics")).text
        detector.may_go.set()
        return [refused, *await asyncio.gather(*first), await asked.ask(content=GOOD)]

    with asked.working():
        answers = asyncio.run(ask())
    assert [response.status_code for response in answers] == [429, 200, 200, 200]
    assert int(answers[0].headers["retry-after"]) >= 1 and is_one_line(answers[0])
    assert asked.service.line.length == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\x80\x04\x95 a pickle", "neither a PNG nor a JPEG"),
        (b"<html>", "neither a PNG nor a JPEG"),
        (b"/etc/passwd", "neither a PNG nor a JPEG"),
        (GOOD[:-20], "is cut off"),
        (GOOD.replace(b"IDAT", b"IDAX"), "cannot be read|damaged"),
        (faults.png_of_size(60_000, 60_000), "claims a size of 60000x60000"),
        (faults.png_of_size(2**31 - 1, 1), "claims a size"),
        (faults.png_of_size(0, 0), "damaged|expected 16x16"),
        (png(side=SIDE - 1), "found 15x15 pixels, expected 16x16 or more"),
        (b"\xff\xd8\xff\xd9", "damaged"),
    ],
)
def test_bad_bodies_are_told_in_one_line(content: bytes, told: str) -> None:
    detector = FakeDetector()
    with Asked(detector).working() as asked:
        response = asked.answer(content=content)
    assert response.status_code == 422 and is_one_line(response)
    assert any(part in response.json()["error"] for part in told.split("|"))
    assert asked.service.line.length == 0


def test_other_ways_of_asking_have_their_status() -> None:
    asked = Asked(FakeDetector())
    form = {"content-type": "multipart/form-data; boundary=x"}
    for status, response in (
        (415, asked.answer(content=GOOD, headers=form)),
        (404, asked.answer("/results.jsonl")),
        (404, asked.answer("/../../etc/passwd")),
        (405, asked.answer("/inspect")),
        (405, asked.answer("/health", content=b"")),
    ):
        assert response.status_code == status and is_one_line(response)
    about = asked.answer("/")
    assert about.status_code == 200 and "POST /inspect" in about.text


async def pieces(count: int, seconds: float = 0.0) -> AsyncIterator[bytes]:
    """Yields a body of kilobytes without a length."""
    for _ in range(count):
        await asyncio.sleep(seconds)
        yield bytes(1000)


@pytest.mark.parametrize("size", [BODY_BYTES + 1, 3 * BODY_BYTES])
def test_too_large_a_body_is_refused(size: int) -> None:
    asked = Asked(FakeDetector())
    response = asked.answer(content=bytes(size))
    assert response.status_code == 413 and is_one_line(response)
    response = asked.answer(content=pieces(size // 1000 + 1))
    assert response.status_code == 413
    assert asked.service.line.length == 0


def test_a_body_that_comes_too_slowly_is_given_up() -> None:
    asked = Asked(FakeDetector(), limits=Limits(BODY_BYTES, 0.05, (SIDE, SIDE)))
    response = asked.answer(content=pieces(3, seconds=0.1))
    assert response.status_code == 408 and is_one_line(response)
    assert asked.service.line.length == 0


@pytest.mark.parametrize("status", ["starting", "stopping"])
def test_photographs_are_taken_while_the_service_is_ready(status: str) -> None:
    asked = Asked(FakeDetector())
    assert asked.answer("/health").json() == {"status": "ready"}
    asked.service.status = status  # type: ignore[assignment]
    for response in (asked.answer("/health"), asked.answer(content=GOOD)):
        assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1 and is_one_line(response)
    assert "jaxsplat_ready 0" in asked.answer("/metrics").text


def test_numbers_are_as_prometheus_reads_them() -> None:
    with Asked(FakeDetector()).working() as asked:
        for content in (GOOD, BAD, BAD, b"nothing"):
            asked.answer(content=content)
        lines = asked.answer("/metrics").text.splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert samples['jaxsplat_responses_total{status="200"}'] == "3"
    assert samples['jaxsplat_responses_total{status="422"}'] == "1"
    assert samples['jaxsplat_verdicts_total{verdict="defective"}'] == "2"
    assert samples["jaxsplat_latency_seconds_count"] == "3"
    assert float(samples["jaxsplat_latency_seconds_sum"]) > 0
    assert int(samples["jaxsplat_resident_memory_bytes"]) > 10**7
    assert all(float(number) >= 0 for number in samples.values())


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Returns any bytes, or a photograph of which some are others."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=300))
    content = bytearray(draw(st.sampled_from([GOOD, BAD, faults.png_of_size(20, 20)])))
    for _ in range(draw(st.integers(1, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))])


@settings(max_examples=60, deadline=None)
@given(content=bodies())
def test_any_body_is_answered(content: bytes) -> None:
    with Asked(FakeDetector()).working() as asked:
        response = asked.answer(content=content)
    assert response.status_code in (200, 422)
    assert response.status_code == 200 or is_one_line(response)
