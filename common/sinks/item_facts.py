"""Item facts → Redis, with the rankings that follow from them; and what one person did too often, taken off them.

The step itself: item_facts.lua. Keys: `common.keys`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from common.config import Config
from common.fence import NO_FENCE, Fence
from common.keys import Keys, member
from common.sinks.scripts import Fenced
from common.views.caps import CAPPED
from common.views.rankings import part, weightings

if TYPE_CHECKING:
    from redis import Redis

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class ItemWriter:
    """What an executor needs to write item facts; picklable."""

    prefix: str
    rankings: tuple[tuple[str, str, int, int], ...]  # (name, kind, minutes, its contribution in a value, from 1)
    weights: tuple[tuple[float, ...], ...]  # of each weighting, what an action of `CAPPED` counts
    per_user: int
    seconds: int
    rows_per_call: int
    fence: Fence = NO_FENCE

    def write(self, client: "Redis", items: pa.RecordBatch, repeated: pa.RecordBatch, source: str) -> int:
        """Writes item rows and user rows with something done more than once in their minute; returns how many
        changed something."""
        columns = [items[name].to_pylist() for name in ("minute", "category", "key", "value")]
        facts = list(zip(*columns, strict=True))
        changed = self._call(client, source, facts, [])
        names = ("minute", "category", "key", "user", "value")
        rows = zip(*[repeated[name].to_pylist() for name in names], strict=True)
        often = [(minute, member(*who), user, counts(value)) for minute, *who, user, value in rows]
        return changed + self._call(client, source, [], often)

    def _call(self, client: "Redis", source: str, facts: Rows, often: Rows) -> int:
        rows, keys, changed = facts or often, Keys(self.prefix), 0
        if not rows:
            return 0
        script = Fenced(client, "item_facts", self.fence)
        newest = max(row[0] for row in rows)
        head = [keys.item, source, self.seconds, newest, orjson.dumps(self.rankings)]
        cap = orjson.dumps([self.per_user, self.weights])
        for start in range(0, len(rows), self.rows_per_call):
            until = start + self.rows_per_call
            chunks = [orjson.dumps(part[start:until]) for part in (facts, often)]
            changed += int(script(keys=[keys.as_of], args=[*head, chunks[0], cap, chunks[1]]))
        return changed


def counts(value: str) -> list[int]:
    """The counts of `CAPPED` in a user fact's value (`common.sinks.redis_facts.encode`); none where nothing is left."""
    return [int(n) for n in value.split("|", 1)[0].split(",")[: len(CAPPED)]] if value else []


def item_writer(config: Config) -> ItemWriter:
    """The writer for this configuration."""
    definitions = config.rankings.definitions
    return ItemWriter(
        prefix=config.redis.prefix,
        rankings=tuple((r.name, r.kind, r.minutes, part(r, definitions) + 1) for r in definitions),
        weights=tuple(tuple(float(weights.get(action, 0)) for action in CAPPED) for weights in weightings(definitions)),
        per_user=config.rankings.per_user,
        seconds=config.rankings.retention_hours * 3600,
        rows_per_call=config.streaming.redis_rows_per_call,
        fence=config.fence,
    )
