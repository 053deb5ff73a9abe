"""Settings that hold for every test: CPU, two devices, strict types, no network."""

import os
import pathlib
import socket
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

_MOST_MAPPINGS = 25_000
# Modules whose many programs run once or twice.
_COMPILE_MUCH = (
    "tests.core",
    "tests.features",
    "tests.fitting.test_steps",
    "tests.learning",
    "tests.matchers",
    "tests.pose",
    "tests.rendering",
    "tests.scores",
    "tests.test_x64",
)
# Of these, those whose programs run for long, or compare sums to their last digits.
_OPTIMISED = (
    "tests.pose.test_coarse",
    "tests.pose.test_kernels",
    "tests.pose.test_refine",
)
# Files of few tests that take minutes: begun first, so that none is left for the end,
# when one worker has nothing else to do.
_BEGUN_FIRST = (
    "tests/commands/test_protocol.py",
    "tests/test_x64.py",
    "tests/test_kills.py",
    "tests/commands/test_mad.py",
    "tests/test_call.py",
    "tests/test_tour.py",
)
_CONNECT = socket.socket.connect

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402  (the platform must be chosen first)

jax.config.update("jax_numpy_dtype_promotion", "strict")
if jax.__version_info__ < (0, 11):
    # As the commands have it: three fifths of the time to compile.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")


def pytest_configure(config: pytest.Config) -> None:
    jax.config.update("jax_num_cpu_devices", 2)
    _use_one_device()
    _share_programs(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def order(item: pytest.Item) -> tuple[bool, bool]:
        # Files that compile alike follow one another: what is compiled already serves.
        module = item.nodeid.partition(".py")[0].replace("/", ".")
        return not item.nodeid.startswith(_BEGUN_FIRST), _compiles_much(module)

    items.sort(key=order)


def _use_one_device() -> None:
    """Makes all work that of one device, as it is on a plain CPU.

    Tests of several devices have `all_devices`.
    """
    jax.config.update("jax_default_device", jax.devices()[0])


def _share_programs(config: pytest.Config) -> None:
    """Lets the processes of a run compile a program once, in a folder that it removes.

    The first process names the folder in the environment, which its workers and the
    commands that tests start inherit. The smallest programs are kept too: a command has
    some three hundred, which take 5 s to compile.
    """
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="programs-")
        config.add_cleanup(folder.cleanup)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = folder.name
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "0"
    # JAX has read the environment already.
    jax.config.update(
        "jax_compilation_cache_dir", os.environ["JAX_COMPILATION_CACHE_DIR"]
    )
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


@pytest.fixture(scope="module", autouse=True)
def quickly_compiled(request: pytest.FixtureRequest) -> None:
    """Compiles without optimisation, in half the time, where that gains more than the
    programs' running loses; never for a GPU, whose programs are what is tested there.

    Processes that tests start do the same.
    """
    much = _compiles_much(request.module.__name__)
    much = much and jax.default_backend() == "cpu"
    if much != _is_set():
        # JAX would go on with programs of the other kind, and findings that are to be
        # equal to the last bit would depend on what a worker did before.
        jax.clear_caches()
    jax.config.update("jax_disable_most_optimizations", much)
    os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = str(int(much))


@pytest.fixture
def unoptimised() -> Iterator[None]:
    """Compiles without optimisation what one test alone needs, as `quickly_compiled`.

    For programs of a shape that no other test asks for: they stay in the process.
    """
    much = _is_set() or jax.default_backend() == "cpu"
    jax.config.update("jax_disable_most_optimizations", much)
    yield
    jax.config.update("jax_disable_most_optimizations", _is_set())


def _is_set() -> bool:
    return os.environ.get("JAX_DISABLE_MOST_OPTIMIZATIONS", "0") != "0"


def _compiles_much(module: str) -> bool:
    return module.startswith(_COMPILE_MUCH) and not module.startswith(_OPTIMISED)


@pytest.fixture
def all_devices() -> Iterator[None]:
    """Lets all devices share the work."""
    with jax.default_device(None):
        yield


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every outgoing connection fail, so that no test depends on a download."""

    def refuse(self: socket.socket, address: object) -> None:
        raise OSError(f"tests must not open connections: {address!r}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def loopback(no_network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Allows connections to this machine alone, for a test of a service."""

    def connect(self: socket.socket, address: Any) -> None:
        assert address[0] == "127.0.0.1", f"{address!r} is not this machine"
        _CONNECT(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(scope="module", autouse=True)
def few_programs() -> Iterator[None]:
    """Forgets compiled programs when they take much of what a process may map.

    XLA's processes end with a segmentation fault at Linux's 65,530 mappings, of which a
    program takes a few; all tests together compile some ten thousand.
    """
    yield
    maps = pathlib.Path("/proc/self/maps")
    if maps.exists() and len(maps.read_text().splitlines()) > _MOST_MAPPINGS:
        jax.clear_caches()


@pytest.fixture(scope="session")
def shared() -> pathlib.Path:
    """Returns the folder with real data beside the checkout, or skips the test."""
    path = pathlib.Path(__file__).parents[2] / "shared"
    if not (path / "data").is_dir():
        pytest.skip("the real data beside the checkout is not there")
    return path
