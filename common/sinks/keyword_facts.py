"""Query facts → Redis: who searched for which keyword in which minute, written from the executors, and by the
collector, which has seen a search first.

Everything is a set or an absolute value: writing a batch twice, or in another order, changes nothing, also when
several texts are one keyword. Keys: `common.keys`; the step itself: keyword_facts.lua.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from common.config import Config
from common.fence import NO_FENCE, Fence
from common.keys import Keys
from common.models.keyword_text import Keyword, keyword
from common.sinks.scripts import Fenced

if TYPE_CHECKING:
    from redis import Redis

Search = tuple[int, str, str]  # minute, who, as typed
Row = tuple[int, str, str, list[str]]  # minute, keyword, form, who
USERS_A_ROW = 500  # Lua passes some 8,000 arguments at most


@dataclass(frozen=True)
class KeywordWriter:
    """What an executor needs to write query facts; picklable."""

    prefix: str
    window_minutes: int
    half_life_minutes: int
    retention_minutes: int
    keep: int
    max_length: int
    rows_per_call: int
    fence: Fence = NO_FENCE

    def write(self, client: "Redis", batch: pa.RecordBatch, source: str = "s") -> int:
        """Writes rows `minute`, `user`, `key` (as typed), `value` (searches); returns how many counts changed.

        Only the stream's rows: the batch layer has its own way (`common.sinks.keyword_baseline`).
        """
        if not batch.num_rows or source != "s":
            return 0
        searched = batch.filter(pc.not_equal(batch["value"], "0"))
        columns = [searched[name].to_pylist() for name in ("minute", "user", "key")]
        script = Fenced(client, "keyword_facts", self.fence)
        keys = [Keys(self.prefix).keyword_meta]
        return sum(int(script(keys=keys, args=args)) for args in self.calls(zip(*columns, strict=True)))

    def calls(self, searches: Iterable[Search]) -> Iterator[list[str | int | bytes]]:
        """The arguments of each call of the script that these searches take."""
        rows = list(self._rows(searches))
        numbers = (self.window_minutes, self.half_life_minutes, self.retention_minutes, self.keep)
        for start in range(0, len(rows), self.rows_per_call):
            chunk = rows[start : start + self.rows_per_call]
            yield [Keys(self.prefix).kw, *numbers, max(row[0] for row in chunk), orjson.dumps(chunk)]

    def _rows(self, searches: Iterable[Search]) -> Iterator[Row]:
        """One row a minute, keyword and form: several texts may be the same."""
        together: dict[tuple[int, Keyword], set[str]] = {}
        for minute, user, query in searches:
            found = keyword(query, self.max_length)
            if found:
                together.setdefault((minute, found), set()).add(user)
        for (minute, found), users in sorted(together.items(), key=lambda row: row[0][0]):
            who = sorted(users)
            for start in range(0, len(who), USERS_A_ROW):
                yield minute, found.key, found.form, who[start : start + USERS_A_ROW]


def keyword_writer(config: Config) -> KeywordWriter:
    """The writer for this configuration."""
    keywords = config.keywords
    return KeywordWriter(
        prefix=config.redis.prefix,
        window_minutes=keywords.window_minutes,
        half_life_minutes=keywords.half_life_minutes,
        retention_minutes=keywords.retention_minutes,
        keep=keywords.keep,
        max_length=keywords.max_length,
        rows_per_call=config.streaming.redis_rows_per_call,
        fence=config.fence,
    )
