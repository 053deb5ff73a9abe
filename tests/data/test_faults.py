"""Broken objects: each ends in one DataError that names the place, or in a remark."""

import pathlib
import re

import numpy as np
import pytest

from jaxsplat import data
from jaxsplat.data import images
from jaxsplat.errors import DataError
from tests.helpers import datasets, faults

ONE_FRAME = faults.edit(lambda c: c.update(frames=c["frames"][:1]))
SMALL = datasets.picture(1, width=10, height=6)


def upright_size(root: pathlib.Path) -> None:
    """Writes photographs of an upright phone and the size that viewers show."""
    faults.turned_by_exif(root)
    faults.top(w=12, h=20)(root)


# (what is wrong, how to break the object, what the message must hold)
REFUSED = [
    # Row 3: the file itself.
    ("no transforms", faults.removed("transforms.json"), "transforms.json"),
    ("empty", faults.text(lambda t: ""), "line 1 column 1"),
    ("cut", faults.text(lambda t: t[:100]), r"line 1 column \d+"),
    ("UTF-16 with mark", faults.text(lambda t: t.encode("utf-16")), "UTF-16"),
    ("UTF-16 bare", faults.text(lambda t: t.encode("utf-16-le")), "UTF-16"),
    ("latin-1", faults.text(lambda t: b'{"caf\xe9": 1}'), "byte 5 is not UTF-8"),
    ("a list", faults.text(lambda t: "[1, 2]"), "a list of 2, expected an object"),
    # Row 4: values.
    ("key twice", faults.text(lambda t: '{"w": 1, "w": 2}'), '"w" stands twice'),
    (
        "NaN",
        faults.text(lambda t: '{"w": NaN}'),
        "line 1 column 7: the number NaN is not finite",
    ),
    ("Infinity", faults.text(lambda t: '{"w": -Infinity}'), "Infinity is not finite"),
    (
        "1e400",
        faults.text(lambda t: '{"w": 1e400}'),
        "column 7: the number 1e400 is not finite",
    ),
    (
        "1e400 and a letter",
        faults.text(lambda t: '{"w": 1e400x}'),
        "column 7: the number 1e400 is not finite",
    ),
    ("long", faults.text(lambda t: '{"w": %s}' % ("9" * 5000)), "5000 digits"),
    ("text", faults.top(camera_angle_x="0.7"), 'camera_angle_x: found "0.7"'),
    ("true", faults.top(camera_angle_x=True), "camera_angle_x: found true"),
    ("null", faults.top(camera_angle_x=None), "camera_angle_x: found null"),
    # Row 5: size.
    ("deep", faults.text(lambda t: "[" * 100_000), "nested too deep"),
    ("deep object", faults.text(lambda t: '{"a":' * 100_000), "nested too deep"),
    # Row 6: frames.
    ("no frames", faults.without("frames"), "frames: found nothing"),
    ("empty frames", faults.top(frames=[]), "frames: found 0 images"),
    ("one frame", ONE_FRAME, "found 1 images, expected 2 images or more"),
    ("frames no list", faults.top(frames={}), "frames: found an object of 0"),
    ("frame no object", faults.top(frames=[3]), r"frames\[0\]: found 3"),
    ("no path", faults.frame_without("file_path", 2), r"frames\[2\].file_path"),
    ("path no text", faults.frame(2, file_path=7), r"frames\[2\].file_path: found 7"),
    (
        "no matrix",
        faults.frame_without("transform_matrix", 2),
        r"frames\[2\].transform_matrix: found nothing",
    ),
    # Row 7: matrices.
    ("4x3", faults.matrix(lambda m: m[:, :3]), "a 4x3 matrix"),
    ("2x2", faults.matrix(lambda m: m[:2, :2]), "a 2x2 matrix"),
    ("flat", faults.matrix(lambda m: m.ravel()), r"transform_matrix\[0\]: found"),
    ("empty matrix", faults.matrix(lambda m: []), "a list of 0"),
    (
        "ragged",
        faults.matrix(lambda m: [*m[:3].tolist(), [0, 0, 1]]),
        r"transform_matrix\[3\]: found a list of 3",
    ),
    (
        "true in matrix",
        faults.matrix(lambda m: [[True, 0, 0, 0], *m[1:].tolist()]),
        r"transform_matrix\[0\]\[0\]: found true",
    ),
    ("transposed", faults.matrix(lambda m: m.T), "last row .* .transpose the matrix."),
    ("homogeneous", faults.matrix(lambda m: 2 * m), r"the last row .* 2.0\], expected"),
    ("last row", faults.matrix(lambda m: m.T), "the last row"),
    (
        "mirrored",
        faults.with_rotation(lambda r: -r),
        "a mirrored rotation .of left-handed",
    ),
    ("drift 1e-1", faults.with_rotation(lambda r: r + 0.1), "from orthonormal"),
    ("zero", faults.matrix(np.zeros_like), "the last row"),
    ("zero rotation", faults.with_rotation(np.zeros_like), "from orthonormal"),
    ("far", faults.matrix(lambda m: m + 1e300 * np.eye(4, k=3)), "a value beyond"),
    ("axes", faults.as_opencv_axes, "looks like .* OpenCV camera axes: multiply"),
    ("inverted", faults.inverted, "looks like world-to-camera .* OpenGL"),
    ("one matrix", faults.as_turntable, "transforms.json: the cameras do not move"),
    # Row 8: intrinsics.
    ("angle 0", faults.top(camera_angle_x=0), "camera_angle_x: found 0"),
    ("angle pi", faults.top(camera_angle_x=3.2), "camera_angle_x: found 3.2"),
    ("no angle", faults.without("camera_angle_x"), "camera_angle_x: found nothing"),
    ("tiny angle", faults.top(camera_angle_x=1e-9), "focal length"),
    ("fl_x negative", faults.top(fl_x=-5), "fl_x: found -5"),
    ("w", faults.top(w=99), "w: found 99, expected 20, the size of the images"),
    ("h", faults.top(h=99), "h: found 99, expected 12"),
    ("turned", faults.top(w=12, h=20), "EXIF orientation is not applied: save the"),
    (
        "turned by EXIF",
        upright_size,
        "w: found 12, expected 20, .* EXIF orientation is not applied: save the images",
    ),
    ("distortion", faults.top(k1=-50), "k1 k2 p1 p2 k3 k4 k5 k6 = -50, 0,"),
    ("fisheye", faults.top(is_fisheye=True), "is_fisheye: .* image_undistorter"),
    ("model", faults.top(camera_model="OPENCV_FISHEYE"), "expected PINHOLE or OPENCV"),
    ("own lens", faults.frame(1, fl_x=-20), r"frames\[1\].fl_x: found -20"),
    ("own size", faults.frame(1, w=99, h=7), r"frames\[1\].w: found 99, expected 20"),
    ("own distortion", faults.frame(1, k1=-50), r"frames\[1\].distortion: found"),
    ("own model", faults.frame(1, camera_model="FISHEYE"), r"frames\[1\].camera_model"),
    ("outside", faults.top(cx=25), "cx: found 25, expected a point inside"),
    ("on the edge", faults.top(cx=9, cy=0), "cy: found 0, expected a point inside"),
    # Row 10: paths.
    (
        "..",
        faults.frame(2, file_path="../../etc/passwd"),
        r"frames\[2\].file_path: found '../../etc/passwd', .* outside this folder",
    ),
    ("drive", faults.frame(file_path="C:\\x\\77.png"), "outside this folder"),
    ("back-slashes", faults.frame(file_path="..\\..\\a.png"), "outside this folder"),
    ("absolute", faults.frame(file_path="/etc/passwd"), "outside this folder"),
    ("NUL", faults.frame(file_path="a\0.png"), "not a file name"),
    ("blank", faults.frame(file_path=" "), "not a file name"),
    ("lone surrogate", faults.frame(file_path="\ud800.png"), "not a valid path"),
    ("URL", faults.frame(file_path="https://a.b/0.png"), "no such file"),
    ("%2e", faults.frame(file_path="%2e%2e/0.png"), "no such file"),
    ("4096 characters", faults.frame(file_path="a" * 4096), r"\.\.\. \(4096\)"),
    ("long folder", faults.frame(file_path="a" * 400 + "/0.png"), "no such file"),
    ("5000 digits", faults.frame(file_path="9" * 5000), "no such file"),
    # Row 11 and 18: listed but missing.
    ("missing", faults.removed("train/good/3.png"), r"frames\[3\].file_path"),
    # Row 12: sizes.
    (
        "other size",
        faults.image("train/good/3.png", datasets.picture(3, width=12)),
        "3.png has 12x12 pixels, but train/good/0.png has 20x12; .* ratio of sides",
    ),
    (
        "other size in test",
        faults.image("test/Burrs/1.png", SMALL),
        "Burrs/1_mask.png has 20x12 pixels, but its image has 10x6",
    ),
    # Row 13: masks.
    ("mask size", faults.mask(SMALL), "Burrs/0_mask.png has 10x6 pixels"),
    # Row 19: no image at all.
    ("0 bytes", faults.content(faults.FIRST_IMAGE, b""), "0.png: is empty"),
    ("text", faults.content(faults.FIRST_IMAGE, b"hello"), "neither a PNG .*save it"),
    (
        "pointer",
        faults.content(faults.FIRST_IMAGE, b"version https://git-lfs.github.com/spec"),
        "run `git lfs pull`",
    ),
    ("folder", faults.folder_in_place_of(faults.FIRST_IMAGE), "Is a directory"),
    (
        "test image a folder",
        faults.folder_in_place_of("test/good/0.png"),
        "0.png: cannot be read: Is a directory",
    ),
    (
        "one photograph for all",
        lambda root: [
            datasets.save(path, datasets.picture(3)) for path in root.glob("train/*/*")
        ],
        "13 of 13 training images that are all the same as train/good/0.png",
    ),
    # Row 20: cut off.
    ("cut image", faults.cut(faults.FIRST_IMAGE, 0.7), "0.png: is cut off"),
    # Row 21: claims.
    (
        "bomb",
        faults.content(faults.FIRST_IMAGE, faults.png_of_size(20_000, 20_000)),
        "claims a size of 20000x20000",
    ),
]

# What is odd but can be used; the remark that tells of it.
REMARKED = [
    ("drift", faults.with_rotation(lambda r: r + 1e-3), "drifted.*frames.0."),
    ("scaled", faults.with_rotation(lambda r: r / 4), "scaled by 0.25, .*frames.0."),
    (
        "absolute",
        faults.frame(file_path="/home/me/01Brick/train/good/0.png"),
        "found by its end: /home/me",
    ),
    ("drive", faults.frame(file_path="C:\\x\\good\\0.png"), "found by its end: C:"),
    (
        "above",
        faults.frame(file_path="../../data/train/good/0.png"),
        "found by its end: ../../data",
    ),
    ("EXIF", faults.turned_by_exif, "EXIF orientation is not applied: .*0.jpg and 12"),
    ("size of lens", faults.top(w=40, h=24), "images of 40x24 pixels and scaled to"),
    (
        "other size",
        faults.image("train/good/3.png", SMALL),
        "another size and is brought to 20x12 pixels: train/good/3.png",
    ),
    (
        "other ratio in test",
        faults.image("test/good/1.png", datasets.picture(1, width=12)),
        "another ratio of sides than the training images.*: test/good/1.png",
    ),
    ("no centre", faults.top(cx=0, cy=0), r"point \(0, 0\) is taken as the middle"),
    ("shares", faults.top(cx=0.5, cy=0.5), r"\(0.5, 0.5\) is taken as shares"),
    ("exchanged", faults.top(cx=6.1, cy=9.9), "in each other's place"),
    (
        "two lenses",
        faults.frame(1, camera_angle_x=0.5),
        "different lenses .fx from 27.*to 39.* test images .* median",
    ),
    ("fl_x wins", faults.top(fl_x=50), "fl_x .50 px. is used"),
    ("twice", faults.frame(1, file_path="train/good/0.png"), "listed twice.*0.png"),
    (
        "same pose",
        faults.frame(1, transform_matrix=datasets.blender_pose(0).tolist()),
        "same pose as train/good/0.png: train/good/1.png",
    ),
    (
        "not listed",
        faults.image("train/good/99.png", datasets.picture(1)),
        "no pose and is left out: train/good/99.png",
    ),
    (
        "posed test image",
        faults.frame(0, file_path="test/good/0.png"),
        "posed test image is left out",
    ),
    ("no mask", faults.removed("ground_truth/Burrs/1_mask.png"), "has no mask.*1.png"),
    ("no masks", faults.removed("ground_truth"), "no mask: .*0.png and 3 more"),
    (
        "mask of good",
        faults.image("ground_truth/good/0_mask.png", datasets.defect_mask()),
        "masks of good images are ignored: good",
    ),
    (
        "mask alone",
        faults.image("ground_truth/Burrs/77_mask.png", datasets.defect_mask()),
        "belongs to no image: Burrs/77_mask.png",
    ),
    ("empty mask", faults.mask(np.zeros((12, 20), np.uint8)), "marks nothing.*Burrs"),
    ("no good", faults.removed("test/good"), "no good test images"),
    (
        "BMP in test",
        faults.image("test/good/7.bmp", datasets.picture(3)),
        "neither PNG nor JPEG is left out; save it as PNG: good/7.bmp",
    ),
    (
        "WebP in train",
        faults.image("train/good/77.webp", datasets.picture(3)),
        "left out; save it as PNG: good/77.webp",
    ),
    (
        "TIFF as truth",
        faults.image("ground_truth/Burrs/7.tif", datasets.picture(3)),
        "left out; save it as PNG: Burrs/7.tif",
    ),
    (
        "folder in type",
        faults.image("test/Dents/rgb/0.png", datasets.picture(3)),
        "a folder in test/ holds no PNG or JPEG image: Dents",
    ),
    (
        "copies in train",
        faults.image("train/good/5.png", datasets.picture(4)),
        "training image is the same as train/good/4.png: train/good/5.png",
    ),
    ("no test", faults.removed("test"), "there are no test images"),
    (
        "train defect",
        faults.image("train/Burrs/0.png", datasets.picture(3)),
        "a folder in train/ beside good/: Burrs",
    ),
    (
        "copy",
        faults.image("test/good/0.png", datasets.picture(3)),
        "test image is the same as a training image: test/good/0.png .train/good/3.png",
    ),
    (
        "copies",
        lambda root: [
            datasets.save(path, datasets.picture(3)) for path in root.glob("test/*/*")
        ],
        "same as a training image: .* .train/good/3.png. and 5 more",
    ),
    (
        "loose",
        faults.image("test/9.png", datasets.picture(3)),
        "in no type's folder and left out: 9.png",
    ),
]

# What must work without a remark.
ACCEPTED = [
    ("byte-order mark", faults.text(lambda t: t.encode("utf-8-sig"))),
    ("3x4", faults.matrix(lambda m: m[:3])),
    ("float32 rounding", faults.matrix(lambda m: m.astype(np.float32))),
    ("nerfstudio", faults.top(aabb_scale=16, applied_scale=0.5, ply_file_path="a.ply")),
    ("splits", faults.top(train_filenames=["train/good/0.png"], test_filenames=[])),
    ("applied", faults.top(applied_transform=[[0, 1, 0, 0], [1, 0, 0, 0]])),
    ("own lens", faults.frame(1, camera_angle_x=datasets.ANGLE_X, w=20, h=12)),
    ("no mask", faults.frame(1, mask_path=None)),
    ("other size in test", faults.image("test/good/1.png", SMALL)),
    ("zero distortion", faults.top(k1=0, p1=0.0, camera_model="OPENCV")),
    ("same focal length", faults.top(fl_x=10 / np.tan(0.35), w=20, h=12)),
    ("back-slashes", faults.frame(file_path=".\\train\\good\\0.png")),
    ("no extension", faults.frame(file_path="./train/good/0")),
    (
        "PNG named WebP",
        lambda root: (
            faults.renamed("train/good/0.png", "train/good/0.webp")(root),
            faults.frame(file_path="train/good/0.webp")(root),
        ),
    ),
    ("upper-case extension", faults.frame(file_path="train/good/0.PNG")),
    ("upper-case file", faults.renamed("train/good/0.png", "train/good/0.PNG")),
    ("short path", faults.frame(file_path="0.png")),
    ("renumbered", faults.renamed("train/good/0.png", "train/good/000.png")),
    ("dots", faults.frame(file_path="train/../train/good/0.png")),
    ("hidden", faults.image("train/good/.0.png", SMALL)),
    ("junk", faults.content("test/good/Thumbs.db", b"x")),
    ("macOS", faults.image("test/__MACOSX/0.png", SMALL)),
]


def _cases(table: list) -> list:
    return [pytest.param(*case[1:], id=case[0]) for case in table]


@pytest.mark.parametrize(("fault", "message"), _cases(REFUSED))
def test_refused(mad: pathlib.Path, fault: faults.Break, message: str) -> None:
    fault(mad)
    with pytest.raises(DataError, match=message) as caught:
        data.load_object(mad)
    assert str(mad) in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(("fault", "remark"), _cases(REMARKED))
def test_remarked(mad: pathlib.Path, fault: faults.Break, remark: str) -> None:
    fault(mad)
    warnings = data.load_object(mad).warnings
    assert re.search(remark, "\n".join(warnings)), warnings
    # A frame that is left out leaves its image without a pose.
    assert len([text for text in warnings if "has no pose" not in text]) <= 1


@pytest.mark.parametrize("fault", _cases(ACCEPTED))
def test_accepted(mad: pathlib.Path, fault: faults.Break) -> None:
    fault(mad)
    loaded = data.load_object(mad)
    assert loaded.warnings == ()
    assert len(loaded.train) == datasets.VIEWS
    assert loaded.train[0].image[6, 10, 0] == 0


def test_names_with_spaces_and_other_letters(mad: pathlib.Path) -> None:
    faults.renamed("train/good/0.png", "train/schön ö 部/0 größe.png")(mad)
    faults.frame(0, file_path="train/schön ö 部/0 größe.png")(mad)
    first = data.load_object(mad).train[0]
    assert first.name == "train/schön ö 部/0 größe.png"


def test_link_out_of_the_folder(mad: pathlib.Path, tmp_path: pathlib.Path) -> None:
    faults.renamed("train/good/0.png", "../outside.png")(mad)
    (mad / "train/good/0.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(DataError, match="outside this folder"):
        data.load_object(mad)


def test_link_of_a_test_image_out_of_the_folder(
    mad: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    faults.renamed("test/good/0.png", "../outside.png")(mad)
    (mad / "test/good/0.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(DataError, match="outside this folder"):
        data.load_object(mad)


def test_link_loop(mad: pathlib.Path) -> None:
    (mad / "loop").symlink_to(mad / "loop")
    faults.frame(0, file_path="loop/0.png")(mad)
    with pytest.raises(DataError, match="not a valid path|no such file"):
        data.load_object(mad)


def test_reading_writes_nothing(mad: pathlib.Path) -> None:
    spaced = mad.rename(mad.parent / "a part")

    def files() -> dict[pathlib.Path, int]:
        return {path: path.stat().st_mtime_ns for path in spaced.rglob("*")}

    before = files()
    data.load_object(spaced)
    assert files() == before


def test_a_file_that_goes_while_others_are_read_is_named(
    mad: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = mad / "test/good/1.png"
    read = images.read_file

    def read_and_remove(path: pathlib.Path) -> bytes:
        last.unlink(missing_ok=True)
        return read(path)

    monkeypatch.setattr(images, "read_file", read_and_remove)
    with pytest.raises(DataError, match="test/good/1.png"):
        data.load_object(mad)


def test_ambiguous_name(mad: pathlib.Path) -> None:
    datasets.save(mad / "train/good/0.jpg", datasets.picture(1))
    faults.frame(0, file_path="train/good/0")(mad)
    with pytest.raises(DataError, match="any of 0.jpg, 0.png"):
        data.load_object(mad)


def test_no_defects_loads(mad: pathlib.Path) -> None:
    faults.removed("test/Burrs")(mad)
    faults.removed("test/Missing")(mad)
    faults.removed("ground_truth")(mad)
    loaded = data.load_object(mad)
    assert [view.defect_type for view in loaded.test] == [data.GOOD] * 2
    assert loaded.warnings == ("there are no defective test images",)


@pytest.mark.parametrize("kind", ["missing", "file", "empty", "unreadable", "long"])
def test_bad_root(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    root = tmp_path / ("x" * 300 if kind == "long" else "object")
    if kind == "file":
        root.write_text("hello")
    elif kind in ("empty", "unreadable"):
        root.mkdir()
    if kind == "unreadable":

        def refuse(path: object) -> list[str]:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("os.listdir", refuse)
    before = sorted(tmp_path.glob("*"))
    for function in (data.load_object, data.list_categories, data.read_test_poses):
        with pytest.raises(DataError, match=re.escape(str(root))):
            function(root)
    assert sorted(tmp_path.glob("*")) == before
