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
        cwd=pathlib.Path(__file__).parents[2],
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
            assert values.dtype in (np.float32, np.int32), name
            assert found[name].dtype == values.dtype, name
            scale = np.abs(values).max()
            np.testing.assert_allclose(
                found[name], values, rtol=1e-6, atol=1e-6 * scale, err_msg=name
            )
