"""`python -m tests.drills.writer CONF FOLDER [unfenced]`: writes item facts as a streaming query does, without Spark.

Slowly: it takes micro-batches of the events in `FOLDER/events.json`, writes the whole value of every fact that they
touch, a row a call, and then notes how far it is, as a checkpoint does. It ends with 0 when all is written, with 1
where another writes.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

import redis

from common import lease
from common.config_load import load_config
from common.errors import StylestreamError
from tests.integration.item_rows import write_rows
from tests.integration.sinks.views_of import item_row

BATCH, ROW_SECONDS = 12, 0.02


def main(conf: str, folder: Path, fenced: bool) -> None:
    """Until all events are written. Not `fenced`: nobody looks whether another writes meanwhile."""
    config = load_config(conf, {})
    events = [tuple(event) for event in json.loads((folder / "events.json").read_text())]
    with lease.held(config, "stream facts") as held:
        while (start := committed(folder)) < len(events):
            if fenced:
                held.check()
            end = min(start + BATCH, len(events))
            counts = Counter(events[:end])
            for item, minute in dict.fromkeys(events[start:end]):
                write_rows(held.config if fenced else config, [item_row(item, minute, counts[item, minute])])
                time.sleep(ROW_SECONDS)
            commit(folder, end)


def committed(folder: Path) -> int:
    """How many events are written."""
    file = folder / "committed"
    return int(file.read_text()) if file.exists() else 0


def commit(folder: Path, end: int) -> None:
    """Notes that; in one step."""
    fresh = folder / f"committed.{time.time_ns()}"
    fresh.write_text(str(end))
    fresh.replace(folder / "committed")


if __name__ == "__main__":
    lease.SECONDS, lease.RENEW_SECONDS, lease.LOOK_SECONDS = 0.6, 0.15, 0.05
    try:
        main(sys.argv[1], Path(sys.argv[2]), "unfenced" not in sys.argv)
    except (StylestreamError, redis.ResponseError) as error:
        sys.exit(f"stylestream: {error}")
