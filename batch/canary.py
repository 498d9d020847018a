"""The canary of the ALS model: starts one, ends it, says which there is.

Redis holds which version serves which share of the users (`P:als:canary`); serving reads it together with the live
pointer. The live model stays whatever becomes of the canary. Its history: `batch.registry`.
"""

from pyspark.sql import SparkSession

from batch.registry import moves, record_move, running_canary
from common.config import Config
from common.errors import StylestreamError
from common.keys import Keys
from common.models.canary import Canary, load
from common.redis_client import redis_target


def running(config: Config) -> Canary | None:
    """The canary there is."""
    with redis_target(config).connect() as client:
        return load(client.get(Keys(config.redis.prefix).canary))  # type: ignore[arg-type]


def put(config: Config, canary: Canary) -> None:
    """From here on it serves its share; its candidates must be published. Another canary ends."""
    with redis_target(config).connect() as client:
        client.set(Keys(config.redis.prefix).canary, canary.dump())


def check(version: str, live: str) -> None:
    """Raises where `version` cannot be a canary beside the live one."""
    if not live:
        raise StylestreamError("no model is live for the other users: promote one without a share first")
    if version == live:
        raise StylestreamError(f"model {version} is live for all users: promote another one for a share of them")


def start(spark: SparkSession, config: Config, canary: Canary) -> None:
    """`put`, and a row in the history."""
    put(config, canary)
    record_move(spark, config, canary.version, "canary", canary.share)


def end(spark: SparkSession, config: Config) -> Canary | None:
    """All users have the live model again; says which canary it was, None without one.

    The history knows one that Redis has lost. It is noted before the key goes: who tries again after a failure ends the
    same canary, and does not take back the live model.
    """
    over, noted = running(config), running_canary(moves(spark, config))
    if over is None and noted is not None and noted.share is not None:
        over = Canary(noted.version, noted.share)
    if over is not None:
        record_move(spark, config, over.version, "canary-over")
    with redis_target(config).connect() as client:
        client.delete(Keys(config.redis.prefix).canary)
    return over
