"""What a serving process holds while it runs: configuration, connections, counters."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis.asyncio
import redis.asyncio.cluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from common.config import Config
from common.keys import Keys
from common.redis_client import redis_target
from common.views.ctr_features import late_minutes
from serving.als_model import AlsModel
from serving.circuit import Circuit
from serving.click_model import ClickModel
from serving.followed import first, follow
from serving.item_counts import ItemCounts
from serving.kept import Kept
from serving.kept_each import KeptEach
from serving.limits import RateLimit
from serving.metrics import Metrics
from serving.now import Now
from serving.past import Past
from serving.producer import AckProducer
from serving.products import Products

TOP, USER = (Path(__file__).with_name(f"{name}.lua").read_text(encoding="utf-8") for name in ("top", "user"))
TIES_SECONDS, TIES_KEPT = 5.0, 2000  # a version's lists do not change; some 10 kB each
REDIS_TIMEOUT_SECONDS = 2
REDIS_CONNECTIONS = 32
REDIS_WAIT_SECONDS = 5


@dataclass(frozen=True)
class Services:
    """Handed to the routes as `request.app.state.services`."""

    config: Config
    keys: Keys
    redis: Any  # redis.asyncio.Redis or RedisCluster
    top_script: Any  # reads a ranking, for serving/ranked.py
    user_script: Any  # reads a user, for serving/stores.py
    store: Circuit  # of Redis
    producer: AckProducer
    metrics: Metrics
    rate: RateLimit
    products: Products
    now: Now
    kept: Kept
    ties: KeptEach[str, list[tuple[str, float, float]]]  # lists of the job `related`, by key
    past: Past
    clicks: ClickModel
    wide: set[tuple[str, str]]  # sub-trees of so many categories that their answers are kept
    als: AlsModel


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[Services]:
    """The services, connected lazily; everything is closed at the end."""
    producer = AckProducer(config)
    client = connect(config)
    store = Circuit("Redis", client.ping)
    keys = Keys(config.redis.prefix)
    past = Past(config)
    producer.start()
    now, als = Now(config, client), AlsModel(config, client)
    followed = {"session index": now.refresh, "model": als.refresh}
    await first(followed)
    following = asyncio.create_task(follow(followed, config.sessions.refresh_seconds))
    try:
        yield Services(
            config=config,
            keys=keys,
            redis=client,
            store=store,
            top_script=client.register_script(TOP),
            user_script=client.register_script(USER),
            producer=producer,
            metrics=Metrics(),
            rate=RateLimit(config.serving.requests_per_second),
            products=Products(client, keys),
            now=now,
            kept=Kept(),
            ties=KeptEach(TIES_SECONDS, TIES_KEPT),
            past=past,
            clicks=ClickModel(ItemCounts(client, keys, late_minutes(config.streaming.watermark))),
            wide=set(),
            als=als,
        )
    finally:
        following.cancel()
        store.close()
        producer.stop()
        past.close()
        await client.aclose()


def connect(config: Config) -> Any:
    """An asyncio client. A request waits for Redis only shortly, and tries a broken connection once more."""
    target = redis_target(config)
    options = target.options() | {
        # from a server that is a replica since a failover: the new connection looks the name up again
        "retry_on_error": [redis.exceptions.ReadOnlyError],
        "socket_timeout": REDIS_TIMEOUT_SECONDS,
        "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 1),
    }
    if target.cluster:
        return redis.asyncio.cluster.RedisCluster.from_url(target.url, **options)
    # one that waits for a free connection: in a burst, late answers instead of errors
    pool: Any = redis.asyncio.BlockingConnectionPool
    limits = {"max_connections": REDIS_CONNECTIONS, "timeout": REDIS_WAIT_SECONDS}
    return redis.asyncio.Redis.from_pool(pool.from_url(target.url, **options, **limits))
