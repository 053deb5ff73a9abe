"""DISK against the paper in float64."""

import jax.numpy as jnp
import numpy as np

from jaxsplat import matchers
from jaxsplat.features import structure
from jaxsplat.matchers.disk import Disk, DiskConfig
from tests.helpers import matching, numpy_disk

SMALL = DiskConfig(
    name="small", channels=6, multiple=4, down=(4, 5, 7), up=(8,), window=3
)


def test_keypoints_are_those_of_the_papers_maps() -> None:
    published = matching.published(SMALL)
    image = np.random.default_rng(1).random((12, 16, 3)).astype(np.float32)
    expected = numpy_disk.maps(image.transpose(2, 0, 1), published, 3)
    detector = matchers.KeypointDetector(
        structure.to_params(Disk, SMALL, published), SMALL
    )
    found = matchers.detect(detector, jnp.asarray(image)[None], 30)
    heat = expected[-1]
    peaks = [
        (heat[y, x], x, y)
        for y in range(1, 11)
        for x in range(1, 15)
        if heat[y, x] > 0 and heat[y, x] == heat[y - 1 : y + 2, x - 1 : x + 2].max()
    ]
    peaks.sort(reverse=True)
    count = len(peaks)
    assert 2 < count < 30 and int(found.real.sum()) == count
    np.testing.assert_allclose(
        found.places[0, :count], [(x + 0.5, y + 0.5) for _, x, y in peaks]
    )
    scores = [score for score, _, _ in peaks]
    np.testing.assert_allclose(found.scores[0, :count], scores, rtol=1e-4)
    described = np.array([expected[:-1, y, x] for _, x, y in peaks])
    described /= np.linalg.norm(described, axis=1, keepdims=True)
    np.testing.assert_allclose(found.descriptors[0, :count], described, atol=1e-5)
    assert (found.scores[0, count:] == 0).all()
