"""XFeat and LighterGlue, as bundled, against kornia's (see make_golden.py)."""

import hashlib
import pathlib
import typing

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsplat import errors, matchers
from jaxsplat.matchers import registry

FILE = pathlib.Path(__file__).parent / "golden.npz"
ABSOLUTE = 2e-5  # of scores and unit vectors; the worst seen is 4e-6
OF_MATCHES = 1e-3  # of their scores, after six layers; the worst seen is 3e-4


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(FILE, allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def found(golden: dict[str, np.ndarray]) -> matchers.Keypoints:
    images = golden["images"].astype(np.float32) / np.float32(255)
    count = len(golden["scores0"])
    return matchers.detect(matchers.load_detector(), jnp.asarray(images), count)


def test_golden_file_is_small() -> None:
    assert FILE.stat().st_size <= 100_000


@pytest.mark.parametrize("n", [0, 1])
def test_keypoints_agree_with_kornia(
    n: int, golden: dict[str, np.ndarray], found: matchers.Keypoints
) -> None:
    one = jax.tree.map(lambda leaf: leaf[n], found)
    assert one.real.all() and one.width == one.height == 192
    np.testing.assert_allclose(one.places, golden[f"keypoints{n}"] + 0.5, atol=1e-4)
    np.testing.assert_allclose(one.scores, golden[f"scores{n}"], atol=ABSOLUTE)
    np.testing.assert_allclose(
        one.descriptors[::8], golden[f"descriptors{n}"], atol=ABSOLUTE
    )


def test_matches_agree_with_kornia(
    golden: dict[str, np.ndarray], found: matchers.Keypoints
) -> None:
    pair = [jax.tree.map(lambda leaf, n=n: leaf[n], found) for n in (0, 1)]
    matched = matchers.match(matchers.load_matcher(), *pair)
    np.testing.assert_array_equal(matched.partner, golden["partner"])
    has_one = golden["partner"] >= 0
    assert has_one.sum() > 20
    expected = golden["match_scores"]
    np.testing.assert_allclose(
        matched.scores[has_one], expected[has_one], atol=OF_MATCHES
    )


def test_bundled_files_are_small_and_named_in_the_notice() -> None:
    notice = (registry.BUNDLED / "NOTICE.md").read_text()
    files = list(registry.BUNDLED.glob("*.safetensors"))
    assert len(files) == 2 and "Apache" in notice
    for file in files:
        assert hashlib.sha256(file.read_bytes()).hexdigest() in notice
    assert sum(file.stat().st_size for file in files) < 7_000_000


def test_the_registry_has_all_names_and_every_matcher_its_detector() -> None:
    for names, known in (
        (registry.DetectorName, registry.DETECTORS),
        (registry.MatcherName, registry.MATCHERS),
    ):
        assert set(typing.get_args(names)) == set(known)
    channels = {entry.config.channels for entry in registry.DETECTORS.values()}
    assert {e.config.channels for e in registry.MATCHERS.values()} <= channels


def test_unknown_names_and_missing_files_are_told() -> None:
    with pytest.raises(errors.ConfigError, match="'sift', expected one of"):
        matchers.load_detector("sift")
    with pytest.raises(errors.DataError, match="do not come with the package"):
        matchers.load_matcher("lightglue_disk")
