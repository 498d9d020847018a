"""A small shop as the stream and the batch layer leave it in Redis."""

from dataclasses import dataclass

import orjson
import redis

from common.config import Config
from common.keys import ALL, Keys, member

AS_OF = 29_000_000  # epoch minute
CATEGORIES = ("coats", "신발", "bags")


@dataclass(frozen=True)
class Shop:
    """Writes views' inputs; item `<category>-<n>` has price 10·(n+1), and is the more popular the smaller n is."""

    config: Config
    connection: redis.Redis

    @property
    def keys(self) -> Keys:
        return Keys(self.config.redis.prefix)

    def open(self, items: int = 8) -> "Shop":
        """Products and rankings; every `popular` score was reached one half-life ago."""
        half_life = self.config.rankings.definitions[1].minutes
        pipeline = self.connection.pipeline()
        for place, category in enumerate(CATEGORIES):
            for n in range(items):
                item = f"{category}-{n}"
                product = {"title": f"{category} {n}", "category": category, "price": 10 * (n + 1)}
                pipeline.hset(self.keys.product(item), mapping={**product, "stock": 3, "status": "active"})
                for scope in (ALL, category):
                    entry = member(category, item)
                    pipeline.zadd(self.keys.ranking("popular", scope), {entry: 100 - 10 * n - place})
                    pipeline.zadd(self.keys.ranking("views-1h", scope), {entry: items - n})
        pipeline.zadd(self.keys.tree, dict.fromkeys(CATEGORIES, 0))
        pipeline.set(self.keys.as_of, AS_OF)
        pipeline.set(self.keys.landmark("popular"), AS_OF - half_life)
        pipeline.execute()
        return self

    def train(self, user: str, scores: dict[str, float]) -> None:
        """A live model that knows `user`."""
        self.connection.set(self.keys.live_model, "v1")
        self.connection.set(self.keys.candidates("v1", user), orjson.dumps(list(scores.items())))

    def relate(self, kind: str, lists: dict[str, list[tuple[str, float, float]]]) -> None:
        """A live version of the related items: item → (other, together, als)."""
        self.connection.set(self.keys.live_related, "r1")
        for item, listed in lists.items():
            self.connection.set(self.keys.related("r1", kind, item), orjson.dumps(listed))

    def report(self, written_at_ms: int) -> None:
        """What the stream writes after a micro-batch."""
        names = ("batch_id", "as_of_ms", "rows_per_second", "late_rows", "batch_ms")
        report = {"query": "facts", "written_at_ms": written_at_ms, **dict.fromkeys(names, 1)}
        self.connection.set(self.keys.progress("facts"), orjson.dumps(report), ex=60)
