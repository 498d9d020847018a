"""User facts → Redis: one hash a user, a field an item and minute, the newest kept. The step itself: user_facts.lua.

It says what it dropped of forgotten users: those rows do not name the user as one of an item's newest either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from common.config import Config
from common.fence import NO_FENCE, Fence
from common.keys import Keys, user_field
from common.sinks.fresh import FreshWriter
from common.sinks.scripts import Fenced

if TYPE_CHECKING:
    from redis import Redis

FIELDS_A_CALL = 2000  # Lua passes some 8,000 arguments at most


@dataclass(frozen=True)
class UserWriter:
    """What an executor needs to write user facts; picklable."""

    prefix: str
    kept: int
    seconds: int
    rows_per_call: int
    fresh: FreshWriter
    fence: Fence = NO_FENCE

    def write(self, client: "Redis", users: pa.RecordBatch, source: str) -> int:
        """Writes user rows, one call a user in pipelines of some `rows_per_call` rows; returns the rows."""
        fields: dict[str, list[str]] = {}
        columns = [users[name].to_pylist() for name in ("user", "minute", "category", "key", "value")]
        for user, minute, category, item, value in zip(*columns, strict=True):
            fields.setdefault(user, []).extend((user_field(minute, category, item), value))
        script, keys = Fenced(client, "user_facts", self.fence), Keys(self.prefix)
        pipe, waiting = client.pipeline(transaction=False), 0
        called: list[str] = []
        answers: list[int] = []
        for user, pairs in fields.items():
            for start in range(0, len(pairs), FIELDS_A_CALL):
                args: list[int | str] = [self.kept, self.seconds, source, *pairs[start : start + FIELDS_A_CALL]]
                script(keys=[keys.user_facts(user), keys.forgotten(user)], args=args, client=pipe)
                called.append(user)
            waiting += len(pairs) // 2
            if waiting >= self.rows_per_call:
                answers += pipe.execute()
                waiting = 0
        answers += pipe.execute()
        dropped = {user: minute for user, minute in zip(called, answers, strict=True) if minute >= 0}
        self.fresh.write(client, *_taken(columns, dropped))
        return int(users.num_rows)


def _taken(columns: list[list[Any]], dropped: Mapping[str, int]) -> list[list[Any]]:
    """User, item and value of the rows that are not `dropped` (user → up to which minute)."""
    users, minutes, _, items, values = columns
    if dropped:
        taken = [minute > dropped.get(user, -1) for user, minute in zip(users, minutes, strict=True)]
        users, items, values = (list(compress(column, taken)) for column in (users, items, values))
    return [users, items, values]


def user_writer(config: Config) -> UserWriter:
    """The writer for this configuration."""
    return UserWriter(
        prefix=config.redis.prefix,
        kept=config.profile.facts_kept,
        seconds=config.profile.ttl_hours * 3600,
        rows_per_call=config.streaming.redis_rows_per_call,
        fresh=FreshWriter(
            config.redis.prefix,
            config.sessions.fresh_users,
            config.sessions.fresh_hours * 3600,
            config.streaming.redis_rows_per_call,
        ),
        fence=config.fence,
    )
