"""What a process writes to its log; and log files of the processes we start: a restart keeps the one before."""

import logging
from contextlib import suppress
from pathlib import Path


def keep_previous(log: Path) -> None:
    """Renames `<name>.log` to `<name>.log.1`, in place of an older one; nothing to do where there is none.

    Called before a process that writes to `log` is started, so that why the last one ended can still be read.
    """
    with suppress(FileNotFoundError):
        log.replace(previous(log))


def previous(log: Path) -> Path:
    """Where the log of the run before is."""
    return log.with_name(f"{log.name}.1")


def quiet_libraries(debug: bool) -> None:
    """Our own messages at INFO; libraries only what is serious, unless debugging."""
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO if debug else logging.WARNING, format=form)
    logging.getLogger("stylestream").setLevel(logging.INFO)
    if not debug:
        logging.getLogger("kafka").setLevel(logging.CRITICAL)


def debugging() -> bool:
    """What `quiet_libraries` was given, for a process that we start."""
    return logging.getLogger().level <= logging.INFO
