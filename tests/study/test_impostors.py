"""Photographs of other things and unfit sets are what their names say."""

import numpy as np
import pytest

from jaxsplat.data.views import ObjectSet
from jaxsplat.metrics import rotation_error
from jaxsplat.study import impostors, unfit_sets
from jaxsplat.study.impostors import Source
from tests.helpers import toy_object

GREY = (0.7, 0.7, 0.7)


def source() -> Source:
    own = toy_object.views(2, alpha=False)
    others = [(view, None) for view in toy_object.views(2)]
    return Source((48, 32), GREY, own, others)


def test_every_kind_comes_in_turn_and_is_repeatable() -> None:
    shown = impostors.photographs(source(), 16, seed=1)
    assert [one.kind for one in shown] == 2 * list(impostors.KINDS)
    for one in shown:
        assert one.image.shape == (32, 48, 3) and one.image.dtype == np.float32
        np.testing.assert_array_equal(one.image * 255, np.rint(one.image * 255))
    again = impostors.photographs(source(), 16, seed=1)
    for one, same in zip(shown, again, strict=True):
        np.testing.assert_array_equal(one.image, same.image)
    assert (shown[0].image != shown[len(impostors.KINDS)].image).any()


def test_kinds_without_material_are_left_out() -> None:
    bare = Source((48, 32), GREY, (), ())
    kinds = {one.kind for one in impostors.photographs(bare, 20, seed=0)}
    assert kinds == {"empty", "empty_room", "clutter", "noise", "page"}


def test_shuffled_blocks_keep_the_colours_and_lose_the_object() -> None:
    shown = impostors.photographs(source(), 8, seed=0)
    by_kind = {one.kind: one.image for one in shown}
    assert by_kind["shuffled"].std() > 0.1
    assert by_kind["noise"].std() == pytest.approx(12**-0.5, rel=0.05)
    assert by_kind["empty"].std() < 0.03
    # The other object stands in the detector's background.
    corner = by_kind["other_object"][:3, :3]
    np.testing.assert_allclose(corner, 0.7, atol=0.06)


def sound() -> ObjectSet:
    views = toy_object.views(8, alpha=False)
    camera = views[0].camera
    assert camera is not None
    return ObjectSet(
        "toy", "toy", views, views[:1], camera, toy_object.WHITE, train_digest="x"
    )


def poses(objects: ObjectSet) -> np.ndarray:
    return np.stack(
        [np.asarray(v.camera.camera_from_world) for v in objects.train if v.camera]
    )


@pytest.mark.parametrize("kind", sorted(unfit_sets.KINDS))
def test_unfit_sets_keep_the_test_views_and_have_a_digest_of_their_own(
    kind: str,
) -> None:
    spoiled = unfit_sets.spoiled(sound(), kind, seed=0)
    assert spoiled.train_digest == f"x {kind}"
    np.testing.assert_array_equal(spoiled.test[0].image, sound().test[0].image)
    again = unfit_sets.spoiled(sound(), kind, seed=0)
    np.testing.assert_array_equal(poses(spoiled), poses(again))


def test_wrong_poses_are_wrong_for_every_view() -> None:
    before = poses(sound())
    shuffled = poses(unfit_sets.spoiled(sound(), "shuffled_poses", seed=0))
    assert sorted(map(bytes, shuffled)) == sorted(map(bytes, before))
    assert (shuffled != before).any(axis=(1, 2)).all()
    random = poses(unfit_sets.spoiled(sound(), "random_poses", seed=0))
    turns = [rotation_error(a, b) for a, b in zip(random, before, strict=True)]
    assert np.median(turns) > 0.8
    # Still at their distance, and still looking at the object.
    np.testing.assert_allclose(random[:, :3, 3], before[:, :3, 3], atol=1e-6)


def test_pictures_are_few_empty_blurred_or_black() -> None:
    assert len(unfit_sets.spoiled(sound(), "five_views", seed=0).train) == 5
    empty = unfit_sets.spoiled(sound(), "no_object", seed=0)
    assert max(abs(view.image.mean() - 1) for view in empty.train) < 0.02
    blurred = unfit_sets.spoiled(sound(), "blurred", seed=0).train[0].image
    sharp = sound().train[0].image
    assert (
        np.abs(np.diff(blurred, axis=1)).max()
        < 0.7 * np.abs(np.diff(sharp, axis=1)).max()
    )
    black = unfit_sets.spoiled(sound(), "black", seed=0)
    assert not any(view.image.any() for view in black.train)
    assert black.background == (0.0, 0.0, 0.0)
