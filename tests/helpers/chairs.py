"""A tiny folder in BrokenChairs' layout, of shapes made of boxes."""

import json
import pathlib

import cv2
import numpy as np

from jaxsplat.scene.meshes import Mesh

SIDE = 256
FOCAL = 355.0
_QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4)]
_QUADS.append((1, 5, 7, 3))


def box(low, high) -> Mesh:
    """Returns an axis-aligned box of twelve triangles."""
    low, high = np.array(low, float), np.array(high, float)
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    faces = [t for a, b, c, d in _QUADS for t in ((a, b, c), (a, c, d))]
    return Mesh(low + corners * (high - low), np.array(faces))


def joined(*meshes: Mesh) -> Mesh:
    """Returns meshes as one."""
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + at for mesh, at in zip(meshes, offsets)]),
    )


def chair() -> Mesh:
    """Returns a seat on four legs with a back and one arm: alike from no two sides."""
    legs = [
        box((x - 0.04, -0.6, z - 0.04), (x + 0.04, 0.0, z + 0.04))
        for x in (-0.3, 0.3)
        for z in (-0.3, 0.3)
    ]
    seat = box((-0.35, 0.0, -0.35), (0.35, 0.08, 0.35))
    back = box((-0.35, 0.08, -0.35), (0.35, 0.65, -0.27))
    arm = box((0.27, 0.08, -0.27), (0.35, 0.3, 0.3))
    return joined(seat, back, arm, *legs)


def pose(azimuth: float, elevation: float, radius: float = 3.0) -> np.ndarray:
    """Returns world to camera of an OpenGL camera, angles in degrees."""
    az, el = np.radians([azimuth, elevation])
    eye = np.array([np.cos(el) * np.cos(az), np.sin(el), np.cos(el) * np.sin(az)])
    right = np.cross((0.0, 1.0, 0.0), eye)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(eye, right), eye])
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = rotation, -radius * rotation @ eye
    return motion


def silhouette(mesh: Mesh, motion: np.ndarray, finer: int = 8) -> np.ndarray:
    """Returns the coverage of each pixel by the mesh's triangles, [256, 256]."""
    points = mesh.vertices @ motion[:3, :3].T + motion[:3, 3]
    place = FOCAL * points[:, :2] * (1, -1) / -points[:, 2:] + SIDE / 2
    image = np.zeros((SIDE * finer, SIDE * finer), np.uint8)
    for triangle in place[mesh.faces]:
        # Pixel centres of the finer image are whole numbers to OpenCV.
        corners = np.round((triangle * finer - 0.5) * 256).astype(np.int32)
        cv2.fillConvexPoly(image, corners, 255, shift=8)
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / 255


def iou(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the intersection over union of two coverages' halves."""
    a, b = first > 0.5, second > 0.5
    return float((a & b).sum() / (a | b).sum())


def write_folder(root: pathlib.Path, azimuths=(20, 110, 200, 290)) -> pathlib.Path:
    """Writes two shapes, each with normal photographs and ones that lack the back."""
    good = chair()
    broken = Mesh(good.vertices, np.delete(good.faces, np.s_[12:24], axis=0))
    for name in ("1", "2"):
        folder = root / "shapes" / f"shape_{name}"
        (folder / "mv_images").mkdir(parents=True)
        _write_ply(folder / "mesh.ply", good)
        for azimuth in range(0, 361, 45):
            view = folder / "mv_images" / f"{name}_3.0_{azimuth}_20"
            motion = pose(azimuth, 20)
            cv2.imwrite(f"{view}.png", _grey(silhouette(good, motion, 1)))
            camera = {
                "K": [[FOCAL, 0, SIDE / 2], [0, FOCAL, SIDE / 2], [0, 0, 1]],
                "RT": motion.tolist(),
            }
            view.with_name(view.name + ".json").write_text(json.dumps(camera))
        for kind, mesh in (("normal", good), ("anomaly", broken)):
            for azimuth in azimuths:
                # The numbers in the names are wrong: nothing may read them.
                stem = f"{name}_7_9.9_{azimuth}_77_1_{kind}"
                coverage = silhouette(mesh, pose(azimuth, 35, 2.8))
                _write(root / "images" / name / f"render_{stem}.png", _grey(coverage))
                if kind == "anomaly":
                    lost = silhouette(good, pose(azimuth, 35, 2.8)) - coverage
                    _annotate(root / "annotations" / name, stem, lost > 0.5)
    splits = {"train": ["1"], "val": [], "test": ["2"]}
    (root / "split.json").write_text(json.dumps(splits))
    return root


def _grey(coverage: np.ndarray) -> np.ndarray:
    return np.rint(255 - 155 * coverage).astype(np.uint8)


def _write(path: pathlib.Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def _annotate(folder: pathlib.Path, stem: str, mask: np.ndarray) -> None:
    _write(folder / f"mask_new_{stem}.png", 255 * mask.astype(np.uint8))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    low = np.array([columns[0], rows[0]])
    size = np.array([columns[-1] + 1, rows[-1] + 1]) - low
    note = {
        "2d_bbox": [int(n) for n in 2 * np.concatenate([low, size])],
        "anomaly_type": "missing",
        "camera_parameters": {"azim": 77},
    }
    (folder / f"info_{stem}.json").write_text(json.dumps(note))


def _write_ply(path: pathlib.Path, mesh: Mesh) -> None:
    header = [
        "ply",
        "format ascii 1.0",
        f"element vertex {len(mesh.vertices)}",
        *(f"property float {axis}" for axis in "xyz"),
        f"element face {len(mesh.faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    rows = [" ".join(map(repr, map(float, vertex))) for vertex in mesh.vertices]
    rows += ["3 " + " ".join(map(str, face)) for face in mesh.faces]
    path.write_text("\n".join(header + rows) + "\n")
