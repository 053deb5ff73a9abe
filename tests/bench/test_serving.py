"""The load test: what it counts as lost, and a small one of the toy."""

import json
import pathlib

import pytest

from experiments.bench import serving
from experiments.bench.clients import Clients
from jaxsplat.methods import Detector
from tests.helpers import toy_detector
from tests.helpers.toy_detector import pixels, save


def test_a_row_that_was_acknowledged_and_is_not_there_is_lost(
    tmp_path: pathlib.Path,
) -> None:
    clients = Clients(1, [b""], 1)
    clients.acknowledged |= {"a", "b", "cut"}
    clients.seconds += [1.0, 3.0]
    lines = ['{"id": "a"}', '{"id": "b"}', '{"id": "c"}', '{"id": "a"}', '{"id": "cut"']
    (tmp_path / "results.jsonl").write_text("\n".join(lines))
    told = serving._told(clients, tmp_path)
    assert (told["lost_rows"], told["rows_twice"]) == (1, 1)
    assert (told["acknowledged"], told["rows_not_acknowledged"]) == (3, 1)
    assert told["latency_seconds"]["p50"] == 2.0


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_by_a_kill(
    loopback: None, tmp_path: pathlib.Path
) -> None:
    toy = toy_detector.objects()
    with toy_detector.quick():
        Detector.fit(toy, toy_detector.QUICK, seed=3).save(tmp_path / "toy")
    for index in range(4):
        image = pixels(toy, index, marred=index % 2 == 1)
        save(tmp_path / "photos" / f"{index}.png", image)
    out = tmp_path / "found.json"
    detector, images = str(tmp_path / "toy"), str(tmp_path / "photos")
    config = serving.Config(detector, images, out=str(out), requests=100, clients=8)
    assert serving.main(config) == 0
    found = json.loads(out.read_text())
    for run in (found["steady"], found["killed"]):
        assert run["lost_rows"] == run["rows_twice"] == run["wrong_statuses"] == 0
        # Those of a restart ask again; ten of a hundred bodies are bad.
        assert run["acknowledged"] >= 90 and run["statuses"]["422"] > 0
    assert found["steady"]["exit_code"] == 0
    assert found["steady"]["lost_connections_before_the_stop"] == 0
    assert found["killed"]["lost_connections"] > 0
