"""Model versions in Delta and Redis: write, publish, serve, take back, retire the oldest.

Delta, partitioned by `model_version`: `als_user_factors` (user, index, features), `als_item_factors`
(item, index, features), `als_item_item` (item, neighbours: what having it says for others) and `als_candidates`
(user, items). Arrays for the serving process are in `common.models.recommender.ModelStore`. In Redis a version's
candidates stand under its own keys; serving follows `P:als:live` and, for a share of the users, `P:als:canary`
(`batch.canary`), which move only when every candidate list is acknowledged.
"""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from batch import canary, registry
from batch.pointer import Pointer, move
from batch.publish import put_candidates, put_profile, unlink_candidates, write
from batch.registry import Reason, moves, set_status
from batch.tables import delete_part, replace_part
from common.config import Config
from common.errors import StylestreamError, UnavailableError
from common.keys import Keys
from common.models.canary import Canary
from common.models.recommender import model_store
from common.redis_client import redis_target
from common.sources.lake import exists, read_table

CANDIDATES = "als_candidates"
ITEM_ITEM = "als_item_item"
PARTS = ("als_user_factors", "als_item_factors", ITEM_ITEM, CANDIDATES)


def save_part(frame: DataFrame, config: Config, name: str, version: str) -> None:
    """Writes one of `PARTS` for a version; again replaces it."""
    versioned = frame.select(F.lit(version).alias("model_version"), "*")
    replace_part(versioned, config, name, "model_version", f"model_version = '{version}'")


def live_version(config: Config) -> str:
    """The version that is served; empty when there is none."""
    with redis_target(config).connect() as client:
        return bytes(client.get(Keys(config.redis.prefix).live_model) or b"").decode()  # type: ignore[arg-type]


def publish(spark: SparkSession, config: Config, version: str) -> int:
    """Candidates of a version from Delta to Redis; the number of users. The pointer is not touched."""
    rows = _candidates(spark, config, version)
    expected = rows.count()
    if expected == 0:
        raise UnavailableError(f"model {version} has no candidates in the lake: see 'stylestream model list'")
    written = write(rows, redis_target(config), put_candidates(Keys(config.redis.prefix), version))
    if written != expected:
        raise UnavailableError(f"Redis took {written} of {expected} candidate lists of {version}; run it again")
    return written


def publish_profiles(profiles: DataFrame, config: Config) -> int:
    """`batch.profiles.long_profiles` to Redis; the number of users."""
    return write(profiles, redis_target(config), put_profile(Keys(config.redis.prefix)))


def _point(config: Config, version: str) -> None:
    """From here on `version` is served to all users, and any canary is over. Its candidates must be published."""
    keys = Keys(config.redis.prefix)
    with redis_target(config).connect() as client:
        client.delete(keys.canary)  # first: a failure between the two leaves the old model for all
        client.set(keys.live_model, version)


def promote(spark: SparkSession, config: Config, version: str, reason: Reason = "promote", share: float = 1.0) -> int:
    """Serves a kept version, below a share of 1 as a canary beside the live one. Its keys are written again, as Redis
    may have lost some. Returns how many users have lists."""
    kept = registry.published(spark, config)
    if not 0 < share <= 1:
        raise StylestreamError(f"a share is more than 0 and at most 1, not {share:g}")
    if version not in kept:
        raise StylestreamError(f"no kept model '{version}'; kept: {', '.join(kept) or 'none'}")
    if share < 1:
        canary.check(version, live_version(config))
    users = publish(spark, config, version)
    serve(spark, config, version, reason, share)
    return users


def serve(spark: SparkSession, config: Config, version: str, reason: Reason, share: float) -> None:
    """A published version to this share of the users."""
    if share < 1:
        canary.start(spark, config, Canary(version, share))
    else:
        move(spark, config, _POINTER, version, reason)


def serve_new(spark: SparkSession, config: Config, version: str) -> str:
    """A new published version to `als.canary_share` of the users, the first of all to all; while a canary runs, and
    after a rollback, to nobody. Returns what it is now, in words."""
    live, running = live_version(config), canary.running(config)
    if live and running:
        return f"is kept, not served: the canary {running} runs beside {live}"
    if registry.held(moves(spark, config)):
        return registry.kept_back(live or registry.live(spark, config))
    share = config.als.canary_share if live else 1.0
    serve(spark, config, version, "publish", share)
    return "is live" if share == 1 else f"is the canary for {100 * share:.3g} % of the users, {live} stays live"


def rollback(spark: SparkSession, config: Config, to: str = "") -> tuple[str, Canary | None]:
    """Ends the canary if there is one, else (or with `to`) serves a version that was live before; returns what is live
    now, and the canary that is over. Whatever is trained from now on waits for a `promote`."""
    over = None if to else canary.end(spark, config)
    if over is not None:
        return live_version(config), over
    history = registry.with_served(moves(spark, config), live_version(config))
    version = registry.earlier(history, registry.published(spark, config), to)
    promote(spark, config, version, "rollback")
    return version, None


def retire(spark: SparkSession, config: Config) -> list[str]:
    """Removes all but the newest `als.keep_versions`, the live one and the canary from Redis and Delta; says which."""
    arrays = model_store(config)
    saved = {*arrays.factors.versions(), *arrays.item_item.versions()}  # looked at first: all of it is noted by now
    status = registry.statuses(spark, config)
    written = [version for version, now in status.items() if now in ("trained", "published")]
    kept = [version for version in written if status[version] == "published"]
    gone = registry.surplus(written, kept, config.als.keep_versions, _served(spark, config))
    for version in gone:
        users = _candidates(spark, config, version).select("user")
        write(users, redis_target(config), unlink_candidates(Keys(config.redis.prefix), version))
        with redis_target(config).connect() as client:
            client.srem(Keys(config.redis.prefix).listed_models, version)
        for name in PARTS:
            delete_part(spark, config, name, f"model_version = '{version}'")
        arrays.remove(version)
        set_status(spark, config, [version], "retired")
    for unknown in saved - {*written}:
        arrays.remove(unknown)
    return gone


def _served(spark: SparkSession, config: Config) -> set[str]:
    """The live version and the canary, by Redis and by the history: Redis may have lost them."""
    running, noted = canary.running(config), registry.running_canary(moves(spark, config))
    canaries = {one.version for one in (running, noted) if one is not None}
    return {live_version(config), registry.live(spark, config), *canaries}


def _candidates(spark: SparkSession, config: Config, version: str) -> DataFrame:
    if not exists(spark, config, CANDIDATES):
        raise UnavailableError("no model has been trained yet: run 'stylestream batch als'")
    table = read_table(spark, config, CANDIDATES)
    return table.where(F.col("model_version") == F.lit(version)).select("user", "items")


_POINTER = Pointer(
    "als",
    live=live_version,
    there=registry.published,
    put=lambda spark, config, version: f"{publish(spark, config, version)} users",
    point=_point,
)
