"""What cameras do to pictures, against the facts that the settings promise."""

import io

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jaxsplat.core.cameras import Camera
from jaxsplat.errors import ConfigError
from jaxsplat.study import (
    cutouts,
    framing,
    kinds,
    lighting,
    photographic,
    sensor,
    surroundings,
)
from jaxsplat.study.cutouts import Cutout
from jaxsplat.study.kinds import KINDS, Degradation
from jaxsplat.study.photographic import Shot, Taken

SIDE = 80
WHITE = np.ones(3, np.float32)
COLOR = (0.5, 0.3, 0.2)


def camera() -> Camera:
    middle = jnp.float32(SIDE / 2)
    focal = jnp.float32(110.0)
    eye = jnp.eye(4, dtype=jnp.float32)
    return Camera(eye, focal, focal, middle, middle, width=SIDE, height=SIDE)


def coverage() -> np.ndarray:
    block = np.zeros((SIDE, SIDE), np.float32)
    block[20:60, 25:55] = 1
    return block


def shot(*, alpha: bool = False) -> Shot:
    """Returns a block of one colour on white with a defect, or cut out."""
    color = np.full((SIDE, SIDE, 3), COLOR, np.float32)
    mask = np.zeros((SIDE, SIDE), bool)
    mask[30:36, 30:36] = True
    white = np.ones((SIDE, SIDE, 3), np.float32)
    return Shot(
        cutouts.over(color, coverage(), white),
        Cutout(color, coverage()),
        None if alpha else WHITE,
        mask,
        camera(),
    )


def taken(change: Degradation, *, alpha: bool = False, seed: int = 0) -> Taken:
    return photographic.take(shot(alpha=alpha), change, np.random.default_rng(seed))


def decoded(file: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(file)))


@pytest.mark.parametrize("levels", [1.0, 3.0, 6.0])
@pytest.mark.parametrize("value", [0.25, 0.5, 0.8])
def test_noise_has_the_deviation_that_it_is_named_by(levels: int, value: float) -> None:
    image = np.full((120, 120, 3), value, np.float32)
    noise = sensor.noisy(image, levels, np.random.default_rng(0)) - image
    # Half of the variance at middle grey grows with the light.
    expected = levels / 255 * np.sqrt(0.5 + 0.5 * value / 0.5)
    assert noise.std() == pytest.approx(expected, rel=0.05)
    assert sensor.noise_deviation(np.array([0.5]), levels)[0] == pytest.approx(
        levels / 255
    )
    assert abs(noise.mean()) < 4 * expected / np.sqrt(noise.size)
    channels = np.corrcoef(noise.reshape(-1, 3).T)
    assert np.abs(channels - np.eye(3)).max() < 0.04


def test_vignetting_takes_from_the_corners_what_it_says() -> None:
    light = lighting.vignette(401, 301, 0.2)
    assert light[200, 150] == 1
    assert light[0, 0] == light[-1, -1] == pytest.approx(0.8, abs=2e-3)
    half = lighting.vignette(401, 301, 0.2)[200, 0]
    assert half == pytest.approx(1 - 0.2 * 150**2 / (200.5**2 + 150.5**2), abs=1e-4)


def test_a_gradient_falls_from_side_to_side_in_its_direction() -> None:
    light = lighting.gradient(60, 100, 0.3, 0.0)
    assert light[:, 0].max() == pytest.approx(1, abs=3e-3)
    assert light[:, -1].min() == pytest.approx(0.7, abs=3e-3)
    assert (np.diff(light, axis=0) == 0).all() and (np.diff(light, axis=1) < 0).all()
    down = lighting.gradient(60, 100, 0.3, np.pi / 2)
    assert (np.diff(down, axis=0) < 0).all()


def test_the_gradient_spares_the_object_unless_it_shall_not() -> None:
    inside = coverage() == 1
    plain = taken(Degradation(gradient=0.3)).pixels
    np.testing.assert_array_equal(plain[inside], sensor.to_bytes(shot().image)[inside])
    assert plain[~inside].min() < 0.75 * 255
    everywhere = taken(Degradation(gradient=0.3, gradient_on_all=True)).pixels
    np.testing.assert_array_equal(everywhere[~inside], plain[~inside])
    assert (everywhere[inside] < plain[inside]).mean() > 0.9


def test_jpeg_files_are_the_encoders_bytes_of_the_png_photograph() -> None:
    plain = taken(Degradation(noise=3.0))
    file = taken(Degradation(noise=3.0, jpeg=75))
    assert (plain.suffix, file.suffix) == (".png", ".jpg")
    assert file.file == sensor.encode_jpeg(plain.pixels, 75)
    np.testing.assert_array_equal(decoded(plain.file), plain.pixels)
    # Decoders may round differently, by a level or two.
    difference = decoded(file.file).astype(int) - file.pixels
    assert np.abs(difference).max() <= 3
    assert len(sensor.encode_jpeg(plain.pixels, 30)) < len(file.file)


def test_exposure_and_white_balance_multiply_the_values() -> None:
    factors, warmths = [], []
    for seed in range(40):
        change = Degradation(exposure=0.3, white_balance=0.1, paper=True)
        pixel = taken(change, seed=seed).pixels[40, 40] / 255
        factors.append(pixel[1] / COLOR[1])
        warmths.append(pixel[0] / COLOR[0] / factors[-1] - 1)
        assert pixel[2] / COLOR[2] == pytest.approx(
            factors[-1] * (1 - warmths[-1]), abs=0.02
        )
    assert 0.69 < min(factors) < 0.8 and 1.2 < max(factors) < 1.31
    assert -0.11 < min(warmths) < -0.05 and 0.05 < max(warmths) < 0.11


def test_paper_is_darker_than_white_so_that_noise_is_not_cut_off() -> None:
    outside = taken(Degradation(paper=True, noise=3.0)).pixels[:15].astype(float)
    assert outside.mean() == pytest.approx(225, abs=0.2)
    expected = 255 * sensor.noise_deviation(np.array([225 / 255]), 3.0)[0]
    assert outside.std() == pytest.approx(expected, rel=0.05)
    grey = shot()._replace(background=np.full(3, 0.5, np.float32))
    kept = photographic.take(grey, Degradation(paper=True), np.random.default_rng(0))
    assert (kept.pixels[0] == 128).all()


def test_blur_spreads_an_edge_as_a_gaussian_does() -> None:
    edge = np.zeros((32, 64, 3), np.float32)
    edge[:, 32:] = 1
    slope = np.diff(sensor.blurred(edge, 1.5)[16, :, 0])
    places = np.arange(63) - 31.0
    assert slope.sum() == pytest.approx(1, abs=1e-5)
    assert np.sqrt((slope * places**2).sum()) == pytest.approx(1.5, rel=0.02)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_repeatable_and_changes_the_photograph(kind: str) -> None:
    change = KINDS[kind].change
    first, again, other = (taken(change, seed=seed) for seed in (3, 3, 4))
    assert first.file == again.file
    plain = sensor.to_bytes(shot().image)
    assert first.pixels.shape != plain.shape or (first.pixels != plain).any()
    fixed = ("jpeg", "blur", "half_size", "grey_background", "color_background")
    assert (first.file == other.file) == (kind in fixed)


def test_one_more_step_changes_no_other() -> None:
    """A photograph with noise too has the exposure of the one without."""
    plain = taken(Degradation(exposure=0.3, paper=True)).pixels.astype(float)
    noisy = taken(Degradation(exposure=0.3, paper=True, noise=2.0)).pixels.astype(float)
    assert abs((noisy - plain).mean()) < 0.1


def test_new_surroundings_leave_the_object() -> None:
    inside = coverage() == 1
    for kind in ("grey_background", "color_background", "floor_and_wall", "clutter"):
        photo = taken(KINDS[kind].change).pixels
        np.testing.assert_array_equal(
            photo[inside], sensor.to_bytes(shot().image)[inside]
        )
        assert (photo[~inside] != 255).any(axis=-1).mean() > 0.8
    clutter = taken(KINDS["clutter"].change).pixels[~inside]
    assert clutter.std() > 20


def test_a_shadow_is_soft_and_lies_outside_of_the_object() -> None:
    photo = taken(Degradation(shadow=0.4)).pixels[..., 0] / 255
    outside = coverage() == 0
    assert photo[outside].min() < 0.85 and photo[0, 0] == 1
    assert np.abs(np.diff(photo[70:], axis=0)).max() < 0.1


def test_what_came_with_alpha_keeps_it_until_its_surroundings_change() -> None:
    kept = taken(Degradation(noise=3.0, jpeg=75), alpha=True)
    assert kept.suffix == ".png" and kept.pixels.shape[2] == 4
    np.testing.assert_array_equal(kept.pixels[..., 3], 255 * coverage())
    np.testing.assert_array_equal(decoded(kept.file), kept.pixels)
    # Nothing of a background is in the colours along the outline.
    rim = kept.pixels[18:22, 30:50, :3].astype(float)
    assert np.abs(rim - 255 * np.array(COLOR)).max() < 25
    placed = taken(KINDS["clutter"].change, alpha=True)
    assert placed.pixels.shape[2] == 3


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_an_occluder_hides_at_most_its_share_and_spares_the_defect(
    share: float,
) -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        mask = shot().mask
        assert mask is not None
        _, hides = framing.occluder(coverage(), share, rng, mask)
        hidden = (hides * coverage()).sum() / coverage().sum()
        assert share / 3 < hidden <= share
        assert not hides[mask].any()


def test_the_frame_cuts_off_the_share_that_is_asked() -> None:
    for seed in range(4):
        cut = taken(Degradation(cut_off=0.2), seed=seed)
        area = (cut.pixels[..., 0] < 200).sum() / coverage().sum()
        # The edge of the frame is crossed a pixel at a time, and far turns magnify.
        assert 0.7 < area < 0.95
        assert cut.mask is not None and cut.mask.sum() > 30
        seen = cut.pixels[cut.mask].mean(axis=0) / 255
        np.testing.assert_allclose(seen, COLOR, atol=0.02)
        np.testing.assert_allclose(cut.turn @ cut.turn.T, np.eye(3), atol=1e-12)


def test_a_side_that_was_cut_off_before_does_not_come_in() -> None:
    at_the_left = np.zeros((SIDE, SIDE), np.float32)
    at_the_left[30:50, :40] = 1
    for seed in range(4):
        rng = np.random.default_rng(seed)
        turn = framing.turn_away(at_the_left, camera(), 0.2, rng)
        # The camera turned to the right, or up or down: what it sees moves left.
        middle = turn @ np.array([0.0, 0.0, 1.0])
        assert middle[0] < 0.02


def test_half_the_size_halves_the_mask_too() -> None:
    small = taken(Degradation(scale=0.5))
    assert small.pixels.shape == (SIDE // 2, SIDE // 2, 3)
    assert small.mask is not None and small.mask.sum() == 9
    assert framing.scaled_size(5, 3, 0.1) == (1, 1)


def test_clutter_and_pages_are_pictures_of_any_size() -> None:
    rng = np.random.default_rng(0)
    stripes = np.zeros((40, 50, 3), np.uint8)
    stripes[:, ::2] = 255
    for size in ((30, 50), (120, 70)):
        for image in (
            surroundings.clutter(*size, rng, (stripes,)),
            surroundings.page(*size, rng),
            surroundings.floor_and_wall(*size, rng),
        ):
            assert image.shape == (*size, 3) and image.dtype == np.float32
            assert 0 <= image.min() and image.max() <= 1 and image.std() > 0.02


def test_kinds_are_joined_unless_they_contradict_each_other() -> None:
    both = kinds.combined(["noise_3", "vignetting"])
    assert both == Degradation(paper=True, noise=3.0, vignetting=(0.05, 0.2))
    assert kinds.combined([]) == Degradation()
    with pytest.raises(ConfigError, match="noise_6 wants noise=6.0, another one 3"):
        kinds.combined(["noise_3", "noise_6"])
    with pytest.raises(ConfigError, match="found fog, expected some of noise_1"):
        kinds.find_kinds(["noise_1", "fog"])
    with pytest.raises(ConfigError, match="found none"):
        kinds.find_kinds([])


def test_what_needs_the_object_says_so() -> None:
    needing = {name for name, kind in KINDS.items() if kind.change.needs_object}
    assert {"clutter", "occluded", "cut_off", "grey_background", "shadow"} <= needing
    assert not {"noise_3", "gradient", "jpeg", "exposure", "half_size"} & needing
    # All that light, lens and sensor do together is possible for any photograph.
    assert "all" not in needing
    uncut = shot()._replace(cutout=None, background=None)
    for kind in set(KINDS) - needing:
        photographic.take(uncut, KINDS[kind].change, np.random.default_rng(0))
