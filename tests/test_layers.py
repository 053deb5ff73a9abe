"""Holds the order of the layers and what importing the package may cost."""

import ast
import configparser
import importlib
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

import jaxsplat

LAYERS = [
    "core",
    "data",
    "scene",
    "rendering",
    "learning",
    "fitting",
    "features",
    "matchers",
    "pose",
    "scores",
    "metrics",
    "methods",
    "report",
    "serving",
    "viewing",
    "fleet",
    "study",
    "commands",
]
# Layers and modules that may import it: feature networks, what trains networks, and the
# networks that a part trains.
FLAX = {"features", "learning", "matchers", "network"}
ROOT = pathlib.Path(jaxsplat.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
# What no module may need to be imported: extras, and what only tests have.
EXTRAS = (
    "beartype",
    "hypothesis",
    "matplotlib",
    "ray",
    "skimage",
    "sklearn",
    "starlette",
    "torch",
    "trimesh",
    "triton",
    "uvicorn",
    "viser",
)
# But the service itself, which is imported when it is asked for.
OF_AN_EXTRA = tuple(f"jaxsplat.serving.{name}" for name in ("app", "bodies", "server"))
FORBIDDEN_CALLS = {
    "__import__",
    "compile",
    "eval",
    "exec",
    "os.popen",
    "os.system",
    "subprocess",
    "pickle",
    "cPickle",
    "dill",
    "joblib",
    "shelve",
    "marshal",
    "torch.load",
    "yaml.load",
}


def imported_names(source: str) -> Iterator[str]:
    """Yields the full dotted name of everything that a module imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = "." * node.level + (node.module or "")
            yield from (f"{package}.{alias.name}" for alias in node.names)


def layer_of(path: pathlib.Path) -> str:
    """Returns the folder of a module below the package, "" for the package itself."""
    parts = path.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else ""


def wrong_imports(source: str, layer: str, module: str = "") -> list[str]:
    """Returns the imports that a module of a layer must not have."""
    wrong = []
    for name in imported_names(source):
        parts = name.split(".")
        if parts[0] in ("", "experiments", "tests"):
            wrong.append(name)
        elif parts[0] == "flax" and not {layer, module} & FLAX:
            wrong.append(name)
        elif parts[0] == "jaxsplat" and len(parts) > 1 and parts[1] in LAYERS and layer:
            allowed = LAYERS[: LAYERS.index(layer) + 1]
            wrong += [] if parts[1] in allowed else [name]
    return wrong


def dangerous_names(source: str) -> list[str]:
    """Returns what a module uses that can run code out of a file."""
    found = [
        name
        for name in imported_names(source)
        if name.split(".")[0] in FORBIDDEN_CALLS or name in FORBIDDEN_CALLS
    ]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            allows = any(
                word.arg == "allow_pickle" and ast.unparse(word.value) != "False"
                for word in node.keywords
            )
            if called in FORBIDDEN_CALLS or allows:
                found.append(ast.unparse(node))
    return found


def test_every_folder_is_a_known_layer() -> None:
    folders = {layer_of(path) for path in SOURCES} - {""}
    assert folders <= set(LAYERS)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path: pathlib.Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not wrong_imports(source, layer_of(path), path.stem)


def module_name(path: pathlib.Path) -> str:
    """Returns the dotted name of a module of the checkout."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(source: str, known: set[str]) -> set[str]:
    """Returns the modules among `known` that a module imports when it is imported."""
    top = ast.Module(
        [node for node in ast.parse(source).body if not is_for_types(node)], []
    )
    found = set()
    for name in imported_names(ast.unparse(top)):
        while name and name not in known:
            name = name.rpartition(".")[0]
        found.add(name)
    return found - {""}


def is_for_types(node: ast.stmt) -> bool:
    """Returns whether a statement does nothing at run time but define functions."""
    is_function = isinstance(node, ast.FunctionDef)
    return is_function or (
        isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node)
    )


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Returns modules that import one another in a circle, [] where there is none."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for other in sorted(imports[name]):
            if found := visit(other, [*way, name]):
                return found
        done.add(name)
        return []

    for name in sorted(imports):
        if found := visit(name, []):
            return found
    return []


def test_no_modules_import_one_another_in_a_circle() -> None:
    sources = [*SOURCES, *(ROOT.parent / "experiments").rglob("*.py")]
    known = {module_name(path) for path in sources}
    imports = {
        module_name(path): imported_modules(path.read_text(encoding="utf-8"), known)
        for path in sources
        # What a package gathers for its users is imported by no module of its own.
        if path.name != "__init__.py"
    }
    packages = known - imports.keys()
    assert circle({n: found - packages for n, found in imports.items()}) == []
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]


def test_no_package_hides_behind_a_function() -> None:
    for layer in LAYERS:
        module = importlib.import_module(f"jaxsplat.{layer}")
        assert getattr(jaxsplat, layer) is module


def test_only_the_library_is_installed() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT.parent / "setup.cfg")
    patterns = settings["options.packages.find"]["include"].split()
    assert patterns == ["jaxsplat*"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_can_run_code_out_of_a_file(path: pathlib.Path) -> None:
    assert not dangerous_names(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("layer", "source", "is_wrong"),
    [
        ("data", "from jaxsplat.core import se3", False),
        ("data", "from jaxsplat import rendering", True),
        ("core", "import jaxsplat.data.views", True),
        ("fitting", "from jaxsplat.errors import DataError", False),
        ("rendering", "from . import binning", True),
        ("report", "from experiments import mad", True),
        ("pose", "from flax import nnx", True),
        ("features", "from flax import nnx", False),
        ("matchers", "from flax import nnx", False),
        ("features", "from jaxsplat import matchers", True),
        ("", "from jaxsplat.rendering import api", False),
    ],
)
def test_the_check_sees_wrong_imports(layer: str, source: str, is_wrong: bool) -> None:
    assert bool(wrong_imports(source, layer)) == is_wrong


@pytest.mark.parametrize(
    ("source", "is_dangerous"),
    [
        ("import pickle", True),
        ("from pickle import loads", True),
        ("import numpy as np\nnp.load(p, allow_pickle=True)", True),
        ("import numpy as np\nnp.load(p, allow_pickle=False)", False),
        ("eval(text)", True),
        ("torch.load(path)", True),
        ("model.eval()", False),
        ("import subprocess", True),
        ("os.system(text)", True),
        ("re.compile(text)", False),
    ],
)
def test_the_check_sees_dangerous_names(source: str, is_dangerous: bool) -> None:
    assert bool(dangerous_names(source)) == is_dangerous


def test_nothing_reads_the_time_of_day() -> None:
    day = {"time.time", "time.localtime", "time.gmtime", "time.strftime", "time.ctime"}
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        called = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call)
        }
        assert not called & day and "datetime" not in source, path


def test_import_starts_no_device_parses_no_flag_and_is_quick() -> None:
    # A platform that does not exist: whoever starts a device fails. Seconds of the
    # processor, the least of up to three, so that a busy machine does not matter.
    code = """if True:
        import importlib, pkgutil, sys, time
        for extra in %r:
            sys.modules[extra] = None
        import jax
        start = time.process_time()
        import jaxsplat
        print(time.process_time() - start)
        for module in pkgutil.walk_packages(jaxsplat.__path__, "jaxsplat."):
            if module.name not in %r:
                importlib.import_module(module.name)
        from absl import flags
        assert not flags.FLAGS.is_parsed()
        """ % (EXTRAS, OF_AN_EXTRA)
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code, "--no_such_flag"],
            env={"JAX_PLATFORMS": "nonexistent", "PYTHONPATH": str(ROOT.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        # Nothing else is printed.
        if float(done.stdout) < 1:
            return
    pytest.fail(f"importing jaxsplat takes {float(done.stdout):.1f} s")
