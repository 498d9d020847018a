"""Downloads jars with the Ivy that pyspark brings: nothing but Java and pip is needed."""

import subprocess
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from common.errors import MissingRequirementError, UnavailableError
from local.java import require_java

Coordinate = tuple[str, str, str]
Say = Callable[[str], None]
_RUNNING: "set[subprocess.Popen[str]]" = set()


def pyspark_home() -> Path:
    """The folder of the installed pyspark (not imported: that takes a second)."""
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise MissingRequirementError("pyspark is not installed: run 'make setup'")
    return Path(spec.origin).parent


def retrieve(modules: Iterable[Coordinate], exclude: Iterable[str], into: Path, cache: Path, say: Say) -> None:
    """Resolves (organisation, name, revision) with all they need and copies the jars into `into`.

    Organisations in `exclude` are left out. `cache` is Ivy's own folder, so that a second try goes on
    where the first broke off. One line a download goes to `say`; `UnavailableError` when one cannot be had.
    """
    java = require_java()
    ivy = next((pyspark_home() / "jars").glob("ivy-*.jar"), None)
    if ivy is None:
        raise MissingRequirementError("pyspark has no Ivy in its jars folder: reinstall it with 'make setup'")
    into.mkdir(parents=True, exist_ok=True)
    description = into / "ivy.xml"
    description.write_text(_description(modules, exclude), encoding="utf-8")
    pattern = f"{into}/[artifact]-[revision].[ext]"
    command = [java, "-cp", ivy, "org.apache.ivy.Main", "-cache", cache, "-ivy", description]
    lines = _run([*map(str, command), "-confs", "default", "-retrieve", pattern], say)
    description.unlink()
    if lines is not None:
        wanted = ", ".join(name for _, name, _ in modules)
        raise UnavailableError(
            f"cannot download {wanted}: {_reason(lines)}; check the network or the proxy"
            " (JAVA_TOOL_OPTIONS), then run 'make setup' again"
        )


def _description(modules: Iterable[Coordinate], exclude: Iterable[str]) -> str:
    needed = [f'<dependency org="{o}" name="{n}" rev="{r}" conf="default"/>' for o, n, r in modules]
    without = [f'<exclude org="{organisation}"/>' for organisation in exclude]
    head = '<ivy-module version="2.0"><info organisation="stylestream" module="jars"/><dependencies>'
    return "\n".join([head, *needed, *without, "</dependencies></ivy-module>"])


def _run(command: list[str], say: Say) -> list[str] | None:
    """None when it worked, else everything that was printed."""
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        _RUNNING.add(process)
        try:
            for line in process.stdout or ():
                lines.append(line.strip())
                if line.startswith("downloading ") and ".jar" in line:
                    say(f"  {line.split()[1].rsplit('/', 1)[-1]}")
        except BaseException:
            process.kill()
            raise
        finally:
            _RUNNING.discard(process)
    return lines if process.returncode else None


def break_off() -> None:
    """Ends every download of this process, e.g. when it is interrupted; each then fails with its error."""
    for process in list(_RUNNING):
        process.kill()


def _reason(lines: list[str]) -> str:
    for mark in (
        "UnknownHost",
        "Connection refused",
        "timed out",
        "SSL",
        "No space left",
        "[FAILED",
        "not found",
    ):
        for line in lines:
            if mark in line:
                return line.strip(": \t")[:200]
    return next((line for line in reversed(lines) if line), "Ivy failed without a word")[:200]
