"""What the configuration takes at most Redis takes too: the longest lifetimes, the most users in one call."""

from common.config_load import load_config
from common.keys import ALL, Keys
from common.redis_client import redis_target
from tests.integration.item_rows import write_rows
from tests.integration.own_redis import OwnRedis
from tests.integration.sinks.views_of import HOUR, item_row, user_row

HOURS, MINUTES, USERS = 876_600, 52_596_000, 3000
MOST = {
    "RANKINGS__RETENTION_HOURS": f"{HOURS}",
    "RANKINGS__DEFINITIONS": "[{name: views-1h, kind: window, minutes: 60, weights: {view: 1}},"
    f" {{name: popular, kind: decay, minutes: {MINUTES}, weights: {{view: 1}}}}]",
    "PROFILE__TTL_HOURS": f"{HOURS}",
    "KEYWORDS__HALF_LIFE_MINUTES": f"{MINUTES}",
    "SESSIONS__FRESH_HOURS": f"{HOURS}",
    "SESSIONS__FRESH_USERS": f"{USERS}",
    "STREAMING__REDIS_ROWS_PER_CALL": "20000",
}


def test_the_stream_writes_with_the_largest_numbers_that_the_configuration_takes() -> None:
    own, seen = OwnRedis(), USERS * 2
    own.start()
    try:
        config = load_config(env={f"STYLESTREAM_{n}": v for n, v in (MOST | {"REDIS__URL": own.url}).items()})
        query = ("query", HOUR, "", "linen shirt", "u", False, "1")
        rows = [item_row("i", HOUR, seen), query, *(user_row(f"u{n}", "i", HOUR, 1) for n in range(seen))]
        for _ in range(2):
            write_rows(config, rows)
        keys = Keys(config.redis.prefix)
        with redis_target(config).connect() as client:
            assert client.zcard(keys.fresh("i")) == USERS
            assert client.ttl(keys.item_fact(HOUR)) > (HOURS - 1) * 3600
            assert client.zscore(keys.ranking("views-1h", ALL), "c\x1fi") == seen
    finally:
        own.kill()
