"""One demo on a state folder at a time; the others learn from it where its API is."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from common.config import Config
from common.endpoints import api_address, endpoints_file
from common.errors import MissingRequirementError
from common.running import Running, running


@contextmanager
def alone(config: Config) -> Iterator[None]:
    """Keeps other demos away from the state folder, and notes the API's address there, while the block runs.

    `MissingRequirementError` when a demo runs on it already.
    """
    file = _file(config)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lock:  # what a running demo has noted stays when there is another try
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MissingRequirementError(
                f"a demo is already running on {config.state_dir}: stop it, or choose another folder (STATE=…)"
            ) from None
        us = running(os.getpid())
        lock.truncate(0)
        lock.write(json.dumps({"api": api_address(config.serving), "process": asdict(us)}))
        lock.flush()
        yield


def demo_address(config: Config) -> str | None:
    """Where the API of the demo is that runs on the state folder; None without one."""
    try:
        noted = json.loads(_file(config).read_text(encoding="utf-8"))
        return str(noted["api"]) if Running(**noted["process"]).alive else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file(config: Config) -> Path:
    return endpoints_file(config.state_dir).with_name("demo.lock")
