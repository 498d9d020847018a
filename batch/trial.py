"""The trial before a model is published: train on the older actions, recommend, compare with the newer ones.

Everyone is asked for items they had not acted on before; popularity is judged on the same users with the
same exclusions. What only the newer part knows (new users, new items) counts against neither: new users
are not judged, new items can be recommended by neither.
"""

from dataclasses import asdict, dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.evaluate import K, Quality, popular, quality, split_by_time, without_seen
from batch.factors import fit, recommend
from batch.interactions import interactions
from common.config import AlsConfig

MIN_EVALUATED = 20  # users; fewer say nothing
MAX_EVALUATED = 20_000  # users; more say nothing new
MAX_SEEN = 1_000  # items; a user who has seen more is left out, as everyone must be asked for that many more


@dataclass(frozen=True)
class Trial:
    """ALS beside popularity, on the same users."""

    als: Quality
    popularity: Quality

    @property
    def lift(self) -> float:
        """nDCG of ALS over that of popularity; infinite when only ALS hits anything."""
        if self.popularity.ndcg > 0:
            return self.als.ndcg / self.popularity.ndcg
        return float("inf") if self.als.ndcg > 0 else 0.0

    def refusal(self, minimum: float) -> str:
        """Why the gate does not let it pass; empty when it does."""
        if self.lift >= minimum and self.als.ndcg > 0:
            return ""
        return (
            f"nDCG@{K} of ALS is {self.als.ndcg:.4f}, of popularity {self.popularity.ndcg:.4f}:"
            f" {self.lift:.2f} times, must be at least {minimum:g} (als.min_lift_over_popularity)"
        )

    def metrics(self) -> dict[str, object]:
        """For the table of runs."""
        lift = None if self.lift == float("inf") else round(self.lift, 4)
        return {"k": K, "als": asdict(self.als), "popularity": asdict(self.popularity), "lift": lift}


def trial(actions: DataFrame, als: AlsConfig, as_of_ms: int) -> Trial:
    """Judges ALS with these parameters on `batch.interactions.actions`."""
    older, newer = split_by_time(actions, als.test_fraction)
    train = interactions(older, als.half_life_days, as_of_ms).persist()
    relevant = newer.select("user", "item").distinct().join(train, ["user", "item"], "left_anti")
    judged = _judged(train, relevant).persist()
    seen = train.join(judged, "user", "left_semi").select("user", "item")
    users, most = judged.agg(F.count("*"), F.max("seen")).collect()[0]
    if users == 0:
        none = Quality(0.0, 0.0, 0.0, 0)
        return Trial(none, none)
    wanted = relevant.join(judged, "user", "left_semi").persist()
    trained = fit(train, als)
    n = K + int(most)
    by_als = without_seen(recommend(trained, n, judged), seen, K)
    by_popularity = without_seen(popular(train, judged, n), seen, K)
    result = Trial(quality(by_als, wanted), quality(by_popularity, wanted))
    for frame in (train, judged, wanted):
        frame.unpersist()
    trained.release()
    return result


def _judged(train: DataFrame, relevant: DataFrame) -> DataFrame:
    """`user, seen`: whom to judge, at most `MAX_EVALUATED` of them, chosen by hash."""
    seen = train.groupBy("user").agg(F.count("*").alias("seen")).where(F.col("seen") <= MAX_SEEN)
    users = relevant.select("user").distinct().join(seen, "user")
    return users.orderBy(F.xxhash64("user"), "user").limit(MAX_EVALUATED)
