"""What is in the notebooks' files: no output, nothing defined, and the configuration in the first cell."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


def code_cells(file: Path) -> list[dict[str, Any]]:
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def parsed(cell: dict[str, Any]) -> ast.AST:
    return compile("".join(cell["source"]), "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_there_are_notebooks_of_events_rankings_and_recommendations() -> None:
    assert [file.stem for file in NOTEBOOKS] == ["events", "rankings", "recommendations"]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_stored_without_output(file: Path) -> None:
    assert [(cell["outputs"], cell["execution_count"]) for cell in code_cells(file)] == [([], None)] * len(
        code_cells(file)
    )


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_defines_nothing_reusable(file: Path) -> None:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    assert [node for cell in code_cells(file) for node in ast.walk(parsed(cell)) if isinstance(node, kinds)] == []


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_the_first_cell_and_no_other_loads_the_configuration(file: Path) -> None:
    loading = ["configuration(" in "".join(cell["source"]) for cell in code_cells(file)]
    assert loading == [True, *[False] * (len(loading) - 1)]
    first = json.loads(file.read_text(encoding="utf-8"))["cells"][0]
    assert first["cell_type"] == "code"
