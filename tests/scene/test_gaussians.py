import numpy as np

from jaxsplat.scene.gaussians import count, in_few_sizes
from tests.helpers import clouds


def test_rows_that_fill_up_are_not_seen() -> None:
    scene = clouds.cloud(17, degree=1)
    more = in_few_sizes(scene)
    assert len(more.live) == 24 and count(more) == count(scene)
    view = clouds.camera()
    found = [clouds.draw(each, view, "xla") for each in (scene, more)]
    np.testing.assert_array_equal(found[0].color, found[1].color)
    np.testing.assert_array_equal(found[0].depth, found[1].depth)
    assert clouds.all_finite(more)


def test_a_cloud_of_such_a_size_stays_as_it_is() -> None:
    scene = clouds.cloud(24)
    for name, leaf in clouds.named(in_few_sizes(scene)).items():
        np.testing.assert_array_equal(leaf, clouds.named(scene)[name])
