"""The layers import only what they may, files stay short, and no module takes a library's name."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("common", "streaming", "batch", "serving", "local", "bench", "cli")
MAY_IMPORT = {
    "common": {"common"},
    "streaming": {"common", "streaming"},
    "batch": {"common", "batch"},
    "serving": {"common", "serving"},
}
TAKEN = {"kafka", "redis", "delta", "logging"}
VAGUE = {"utils", "util", "helpers", "helper", "manager", "base", "misc"}
LONGEST_FILE = 250
LONGEST_FUNCTION = 40
SOURCES = sorted(file for layer in (*LAYERS, "tests") for file in (ROOT / layer).rglob("*.py"))
MODULES = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in SOURCES if file.stem != "__init__"}


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


def imported(tree: ast.AST) -> set[str]:
    """The first parts of the names of all modules imported, also inside functions."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_a_layer_imports_only_what_it_may(layer: str) -> None:
    forbidden = set(LAYERS) - MAY_IMPORT[layer]
    wrong = {
        name_of(file): sorted(bad)
        for file in (ROOT / layer).rglob("*.py")
        if (bad := imported(ast.parse(file.read_text(encoding="utf-8"))) & forbidden)
    }
    assert wrong == {}


def our_imports(file: Path) -> set[str]:
    """Our own modules that a module imports, also inside functions, as `layer.module`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found & MODULES.keys()


def test_no_modules_import_each_other_in_a_circle() -> None:
    order = TopologicalSorter({name: our_imports(file) for name, file in MODULES.items()})
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail(" ← ".join(error.args[1]))


def test_no_source_imports_the_tests() -> None:
    assert [name_of(f) for f in SOURCES if "tests" in imported_unless_test(f)] == []


def imported_unless_test(file: Path) -> set[str]:
    in_tests = file.is_relative_to(ROOT / "tests")
    return set() if in_tests else imported(ast.parse(file.read_text(encoding="utf-8")))


def test_no_file_is_longer_than_250_lines() -> None:
    lengths = {name_of(file): len(file.read_text(encoding="utf-8").splitlines()) for file in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    wrong = {}
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    wrong[f"{name_of(file)}:{node.name}"] = lines
    assert wrong == {}


def test_no_module_takes_the_name_of_a_library() -> None:
    top = [path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()]
    assert TAKEN & {*top, *(file.stem for file in SOURCES)} == set()


def test_no_module_has_a_vague_name() -> None:
    assert [name_of(file) for file in SOURCES if file.stem in VAGUE] == []
