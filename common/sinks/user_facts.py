"""User facts → Redis: one hash a user, a field an item and minute, the newest kept. The step itself: user_facts.lua."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from common.config import Config
from common.keys import Keys, user_field
from common.sinks.fresh import FreshWriter
from common.sinks.scripts import lua

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

    def write(self, client: "Redis", users: pa.RecordBatch, source: str) -> int:
        """Writes user rows, one call a user in pipelines of some `rows_per_call` rows; returns the rows."""
        fields: dict[str, list[str]] = {}
        columns = [users[name].to_pylist() for name in ("user", "minute", "category", "key", "value")]
        for user, minute, category, item, value in zip(*columns, strict=True):
            fields.setdefault(user, []).extend((user_field(minute, category, item), value))
        script, keys = client.register_script(lua("user_facts")), Keys(self.prefix)
        pipe, waiting = client.pipeline(transaction=False), 0
        for user, pairs in fields.items():
            for start in range(0, len(pairs), FIELDS_A_CALL):
                args: list[int | str] = [self.kept, self.seconds, source, *pairs[start : start + FIELDS_A_CALL]]
                script(keys=[keys.user_facts(user), keys.forgotten(user)], args=args, client=pipe)
            waiting += len(pairs) // 2
            if waiting >= self.rows_per_call:
                pipe.execute()
                waiting = 0
        pipe.execute()
        self.fresh.write(client, columns[0], columns[3], columns[4])
        return int(users.num_rows)


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
    )
