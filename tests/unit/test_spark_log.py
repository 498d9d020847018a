"""Spark's log goes to a file while ours stays on stderr; what stops Spark from starting is shown all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.errors import MissingRequirementError
from common.spark_log import started_into

# A process that writes to the stderr it was born with once the block is over, as Spark's JVM does.
CHILD = "import sys; print('WARN first', file=sys.stderr, flush=True); input(); print('WARN later', file=sys.stderr)"


def chatter(text: str) -> None:
    subprocess.run([sys.executable, "-c", f"import sys; print({text!r}, file=sys.stderr)"], check=True)


def test_a_process_started_inside_writes_to_the_file_as_long_as_it_lives(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "logs" / "spark-als.log"
    with started_into(log):
        child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE)
    os.write(2, b"ours\n")
    child.communicate(b"\n", timeout=20)
    assert capfd.readouterr().err == "ours\n"
    assert log.read_text() == "WARN first\nWARN later\n"
    with started_into(log):
        pass
    assert log.with_name("spark-als.log.1").read_text() == "WARN first\nWARN later\n"


def test_a_failed_start_shows_what_was_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), started_into(tmp_path / "log"):
        chatter("Invalid maximum heap size: -Xmx0g")
        raise RuntimeError("no gateway")
    assert capfd.readouterr().err == "Invalid maximum heap size: -Xmx0g\n"


def test_an_error_that_explains_itself_stays_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MissingRequirementError), started_into(tmp_path / "log"):
        chatter("WARN")
        raise MissingRequirementError("run 'make setup'")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("log", [None, Path("/proc/none/spark.log")])
def test_without_a_file_nothing_changes(log: Path | None, capfd: pytest.CaptureFixture[str]) -> None:
    with started_into(log):
        chatter("WARN")
    assert capfd.readouterr().err == "WARN\n"
