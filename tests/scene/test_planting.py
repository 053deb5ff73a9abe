"""Planted defects change one part and leave the others as they are."""

import numpy as np
import pytest

from jaxsplat.scene import planting
from tests.helpers import chairs as made


def test_parts_are_what_is_connected() -> None:
    mesh = made.joined(made.box((0, 0, 0), (1, 1, 1)), made.box((3, 0, 0), (4, 1, 1)))
    # Corners of their own for every triangle, as files often have them.
    split = planting.Mesh(
        mesh.vertices[mesh.faces].reshape(-1, 3), np.arange(72).reshape(-1, 3)
    )
    for one in (mesh, split):
        parts = planting.parts_of(one)
        assert parts.tolist() == [parts[0]] * 12 + [1 - parts[0]] * 12


@pytest.mark.parametrize("defect", planting.DEFECTS)
def test_a_defect_changes_one_part(defect) -> None:
    mesh = made.chair()
    parts = planting.parts_of(mesh)
    # Seat, back and arm share corners.
    assert parts.max() == 4
    changed = planting.plant(mesh, parts, defect, np.random.default_rng(3))
    before = mesh.vertices[mesh.faces].reshape(-1, 9)
    after = changed.vertices[changed.faces].reshape(-1, 9)
    kept = [row.tobytes() in {r.tobytes() for r in after} for row in before]
    touched = set(parts[~np.array(kept)])
    assert len(touched) == 1
    lost = (parts == touched.pop()).sum() if defect == "missing" else 0
    assert len(after) == len(before) - lost
    assert np.isfinite(after).all()


def test_a_mesh_of_one_part_is_not_taken_away() -> None:
    mesh = made.box((0, 0, 0), (1, 1, 1))
    parts = planting.parts_of(mesh)
    changed = planting.plant(mesh, parts, "missing", np.random.default_rng(0))
    assert len(changed.faces) == 12
    assert not np.array_equal(
        changed.vertices[changed.faces], mesh.vertices[mesh.faces]
    )
