"""Where Spark's own log goes when a job is run from the command line: a file, so that only our lines are shown."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import StylestreamError
from common.logs import keep_previous


@contextmanager
def started_into(log: Path | None) -> Iterator[None]:
    """Processes started in this block (Spark's JVM and its workers) write their stderr to `log` while they live.

    Spark's warnings begin before any setting of ours could lower them, and the JVM has its own; hence the file
    descriptor. When the block fails for a reason that is not ours to explain, what was written is shown after all.
    Without `log`, or where it cannot be written, nothing is changed.
    """
    file = _opened(log)
    if log is None or file < 0:
        yield
        return
    sys.stderr.flush()
    before = os.dup(2)
    os.dup2(file, 2)
    try:
        yield
    except StylestreamError:
        raise
    except Exception:
        os.write(before, log.read_bytes())
        raise
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(file)


def _opened(log: Path | None) -> int:
    if log is None:
        return -1
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        keep_previous(log)
        return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError:
        return -1
