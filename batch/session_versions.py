"""Versions of the session index: artifacts of the lake, the pointer there and the one in Redis that serving follows."""

from typing import Final

from pyspark.sql import SparkSession

from batch import registry
from batch.pointer import Pointer, kept
from common.artifacts import Artifacts, artifacts
from common.config import Config
from common.keys import Keys
from common.redis_client import redis_target

NAME: Final = "sessions"


def index_store(config: Config) -> Artifacts:
    """Where the versions are."""
    return artifacts(config, NAME)


def publish(config: Config) -> str:
    """Moves the pointer in Redis to the version that is live in the lake, and returns it; '' without one."""
    version = index_store(config).live()
    if version:
        with redis_target(config).connect() as client:
            client.set(Keys(config.redis.prefix).live_sessions, version)
    return version


def retire(spark: SparkSession, config: Config) -> list[str]:
    """Removes all but the newest `sessions.keep_versions` and the live one; says which. Redis names the live one again
    first: a run that was killed between its two pointers left another there."""
    publish(config)
    store = index_store(config)
    there, live = POINTER.there(spark, config), {store.live(), registry.live(spark, config, NAME)}
    gone = registry.surplus(there, kept(spark, config, POINTER), config.sessions.keep_versions, live)
    for version in gone:
        store.remove(version)
    registry.set_status(spark, config, gone, "retired", NAME)
    return gone


def _put(_: SparkSession, config: Config, version: str) -> str:
    """Nothing is in Redis but the pointer; `UnavailableError` when the files are gone."""
    opened = index_store(config).open(version)
    return f"{len(opened.arrays['names'])} items"


def _point(config: Config, version: str) -> None:
    index_store(config).point(version)
    publish(config)


POINTER = Pointer(
    NAME,
    live=lambda config: index_store(config).live(),
    there=lambda _, config: index_store(config).versions()[::-1],
    put=_put,
    point=_point,
)
