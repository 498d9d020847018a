"""Files that a full disk or a power cut has left empty or cut, in checkpoints and in the lake's logs, and the cures.

Looked for where something has failed, on local disks. What each cure costs: docs/operations.md, Checkpoints.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from common.config import Config

ENDS = {".parquet": b"PAR1", ".json": b"}"}  # how a whole file of Delta's log ends


def damaged(config: Config) -> str:
    """The first one found and what to do, in one sentence; empty without."""
    return next(chain(_of_checkpoints(config), _of_logs(config)), "")


def _of_checkpoints(config: Config) -> Iterator[str]:
    for query in sorted(file.parent for file in Path(config.checkpoint_path).glob("*/offsets")):
        for file in sorted(query.rglob("[!.]*")):
            if _end(file) == b"":
                yield f"{file} is empty: stop the stream, remove the folder {query} and start it again"


def _of_logs(config: Config) -> Iterator[str]:
    for file in sorted(Path(config.lake_path).glob("*/_delta_log/[0-9]*")):
        end = _end(file) if file.suffix in ENDS else None
        if end is None or end.endswith(ENDS[file.suffix]):
            continue
        if file.suffix == ".parquet":
            yield f"{file} is cut: remove it and _last_checkpoint beside it, nothing is lost"
        else:
            yield f"{file} is cut: docs/operations.md, Checkpoints, says how its rows come back"


def _end(file: Path) -> bytes | None:
    """The last bytes without white space; None where it is no file (any more)."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - 8))
            return opened.read().rstrip()
    except OSError:
        return None
