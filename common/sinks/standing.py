"""What stands of item facts in Redis: what a layer that counts again has to take back where nothing is left."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from common.config import Config
from common.facts.aggregate import ITEM, USER
from common.keys import SEPARATOR, Keys, split_member
from common.redis_client import RedisTarget, redis_target

if TYPE_CHECKING:
    from redis.client import Pipeline

PLACE = ("fact", "minute", "category", "key", "user")  # of one row, as `common.sinks.redis_facts.encode` names it
STANDING = "fact string, minute bigint, category string, key string, user string"
TYPES = [pa.string(), pa.int64(), pa.string(), pa.string(), pa.string()]
Place = tuple[str, int, str, str, str]


@dataclass(frozen=True)
class Items:
    """The items counted in a minute."""

    at_once = 20  # minutes a round trip

    def ask(self, pipe: "Pipeline", keys: Keys, minute: int) -> None:
        pipe.hkeys(keys.item_fact(minute))

    def places(self, minute: int, names: list[bytes]) -> list[Place]:
        return [(ITEM, minute, *split_member(name.decode()), "") for name in names]


@dataclass(frozen=True)
class People:
    """Who did something with an item more than once in a minute of an hour, each minute a row."""

    at_once = 1  # hours a round trip: many people may have come back in one

    def ask(self, pipe: "Pipeline", keys: Keys, hour: int) -> None:
        pipe.hgetall(keys.repeated(hour))

    def places(self, _hour: int, found: dict[bytes, bytes]) -> list[Place]:
        rows = [(name.decode().split(SEPARATOR), orjson.loads(text)) for name, text in found.items()]
        return [(USER, int(minute), who[0], who[1], who[2]) for who, minutes in rows for minute in minutes]


@dataclass(frozen=True)
class PlaceReader:
    """What an executor needs to read them; picklable."""

    target: RedisTarget
    prefix: str
    of: Items | People

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        keys = Keys(self.prefix)
        with self.target.connect() as client, client.pipeline(transaction=False) as pipe:
            for batch in batches:
                numbers = batch["id"].to_pylist()
                for first in range(0, len(numbers), self.of.at_once):
                    asked = numbers[first : first + self.of.at_once]
                    for number in asked:
                        self.of.ask(pipe, keys, number)
                    answers = zip(asked, pipe.execute(), strict=True)
                    rows = [place for number, answer in answers for place in self.of.places(number, answer)]
                    columns = list(zip(*rows, strict=True)) or [()] * len(PLACE)
                    yield pa.record_batch([pa.array(c, t) for c, t in zip(columns, TYPES, strict=True)], PLACE)


def standing(spark: SparkSession, config: Config, since: int, until: int) -> DataFrame:
    """`PLACE` of the item facts of minutes `since` to before `until`, and, also in the hour before, of what one person
    did more than once. Read on the executors."""

    def read(first: int, after: int, of: Items | People) -> DataFrame:
        reader = PlaceReader(redis_target(config), config.redis.prefix, of)
        return spark.range(first, after).mapInArrow(reader, STANDING)

    people = read((since - 60) // 60, (until - 1) // 60 + 1, People())
    within = people.where((people["minute"] >= since - 60) & (people["minute"] < until))
    return read(since, until, Items()).unionByName(within)
