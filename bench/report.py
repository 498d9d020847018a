"""What a measurement says: rows, the machine they were taken on, the table, and the ratio to an earlier run.

A row: {"section", "name", "value", "unit", "target", "ok", "published"}; `target`, `ok` and `published` are
None where there is none. A file of `--json`: {"environment": {…}, "rows": [row, …]}.
"""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from common.errors import ConfigError

Row = dict[str, Any]
Report = dict[str, Any]
NONE = "-"


def row(
    section: str, name: str, value: float | None, unit: str, target: float | None = None, least: bool = False
) -> Row:
    """One figure. `target` is the most allowed, with `least` the least; no value meets no target."""
    ok = None
    if target is not None:
        ok = value is not None and (value >= target if least else value <= target)
    shown = None if value is None else round(value, 3)
    named = {"section": section, "name": name, "value": shown, "unit": unit}
    return {**named, "target": target, "ok": ok, "published": None}


def environment() -> dict[str, Any]:
    """The machine now: asked before the measurement, its load average is that of the others."""
    return {
        "python": platform.python_version(),
        "spark": version("pyspark"),
        "delta": version("delta-spark"),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1024**3, 1),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def write(file: Path, where: dict[str, Any], rows: list[Row]) -> None:
    """The file that `read` reads; `ConfigError` when it cannot be written."""
    try:
        file.write_text(json.dumps({"environment": where, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--json {file}: cannot be written ({error.strerror})") from None


def read(file: Path) -> Report:
    """An earlier `--json` file; `ConfigError` in one line when it is none."""
    try:
        report: Report = json.loads(file.read_text(encoding="utf-8"))
        _earlier(report)
        environment_line(report["environment"])
    except OSError as error:
        raise ConfigError(f"--compare {file}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(f"--compare {file}: not a file that 'stylestream bench --json' wrote") from None
    return report


def environment_line(where: dict[str, Any]) -> str:
    """The environment on one line."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in where.items())


def ratio(now: float | None, before: float | None) -> float | None:
    """Now by before; None where either is missing or there is nothing to divide by."""
    return None if now is None or not before else now / before


def table(rows: list[Row], earlier: Report | None = None) -> str:
    """The rows as text, section by section; with an earlier report also its values and the ratio to them,
    with published figures also these."""
    before = _earlier(earlier) if earlier is not None else {}
    published = any(one["published"] is not None for one in rows)
    heads = ["name", "value", "unit", "target", "ok", *(["earlier", "ratio"] if earlier is not None else [])]
    heads += ["published"] if published else []
    lines = [heads]
    for one in rows:
        cells = [f"{one['section']}: {one['name']}", _number(one["value"]), one["unit"], _number(one["target"])]
        cells.append({None: NONE, True: "yes", False: "NO"}[one["ok"]])
        if earlier is not None:
            old = before.get((one["section"], one["name"]))
            cells += [_number(old), _number(ratio(one["value"], old))]
        cells += [_number(one["published"])] if published else []
        lines.append(cells)
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(_line(line, widths) for line in lines)


def _earlier(report: Report) -> dict[tuple[str, str], float | None]:
    return {(one["section"], one["name"]): one["value"] for one in report["rows"]}


def _line(cells: list[str], widths: list[int]) -> str:
    numbers = {1, 3, 5, 6, 7}
    padded = [
        cell.rjust(width) if column in numbers else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3f}"
