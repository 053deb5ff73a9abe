"""`jax_enable_x64`, which notebooks set, changes neither types nor numbers."""

import os
import pathlib
import subprocess
import sys

import numpy as np

from tests.helpers import products


def test_results_are_those_without_x64(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "products.npz"
    subprocess.run(
        [sys.executable, "-m", "tests.helpers.products", str(file)],
        check=True,
        cwd=pathlib.Path(__file__).parents[1],
        env=os.environ
        | dict(
            JAX_ENABLE_X64="1",
            # An array of float64 next to one of float32 is then an error.
            JAX_NUMPY_DTYPE_PROMOTION="strict",
        ),
    )
    expected = products.compute()
    with np.load(file) as found:
        assert set(found) == set(expected)
        for name, values in expected.items():
            assert values.dtype in (np.float32, np.int32, np.bool_), name
            assert found[name].dtype == values.dtype, name
            # Steps carry the rounding of constants on: the worst seen is 4e-6.
            near = 1e-4 if name.startswith(products.SEARCH) else 1e-6
            np.testing.assert_allclose(
                found[name],
                values,
                rtol=near,
                atol=near * _largest(values),
                err_msg=name,
            )


def _largest(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.abs(finite).max()) if finite.size else 0.0
