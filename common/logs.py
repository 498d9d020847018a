"""Log files of the processes we start: a restart begins a new one and keeps the one before."""

from contextlib import suppress
from pathlib import Path


def keep_previous(log: Path) -> None:
    """Renames `<name>.log` to `<name>.log.1`, in place of an older one; nothing to do where there is none.

    Called before a process that writes to `log` is started, so that why the last one ended can still be read.
    """
    with suppress(FileNotFoundError):
        log.replace(log.with_name(f"{log.name}.1"))
