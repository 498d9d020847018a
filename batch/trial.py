"""The trial before a model is published: train on the older actions, recommend, compare with the newer ones.

ALS, the blend, popularity and, where its parameters are others, the live model's are judged on the same users with the
same exclusions. The live model itself cannot be: it has learned from actions that are asked for here. So its
parameters are trained once more on the same older actions (docs/adr/0016).
"""

from dataclasses import asdict, dataclass, replace

from batch.evaluate import K, Quality
from batch.held_out import HeldOut, Segments, known_users
from batch.registry import version_name
from batch.training import train
from common.config_models import AlsConfig
from common.models.recommender import ModelStore

MIN_EVALUATED = 20  # users; fewer say nothing


@dataclass(frozen=True)
class Trial:
    """Quality by segment; `blend` is None without an item-item model, `live` without other parameters to compare."""

    als: Segments
    blend: Segments | None
    popularity: Segments
    live: Segments | None

    @property
    def blended(self) -> bool:
        """Whether the blend is to be published: it is there and does not do worse than ALS alone."""
        return self.blend is not None and known_users(self.blend).ndcg >= known_users(self.als).ndcg

    @property
    def published(self) -> Quality:
        """Over the known users, of what is to be published."""
        return known_users(self.blend if self.blend is not None and self.blended else self.als)

    @property
    def lift(self) -> float:
        """nDCG over that of popularity; infinite when only the model hits anything."""
        return _lift(self.published, known_users(self.popularity))

    def refusal(self, minimum: float, minimum_live: float) -> str:
        """Why the gate does not let it pass; empty when it does."""
        ours, theirs = self.published.ndcg, known_users(self.popularity).ndcg
        if self.lift < minimum or ours == 0:
            return (
                f"nDCG@{K} is {ours:.4f}, of popularity {theirs:.4f}: {self.lift:.2f} times, must be at least"
                f" {minimum:g} (als.min_lift_over_popularity)"
            )
        live = known_users(self.live) if self.live else None
        if live is not None and _lift(self.published, live) < minimum_live:
            return (
                f"nDCG@{K} is {ours:.4f}, with the live model's parameters {live.ndcg:.4f}:"
                f" {_lift(self.published, live):.2f} times, must be at least {minimum_live:g} (als.min_lift_over_live)"
            )
        return ""

    def metrics(self) -> dict[str, object]:
        """For the table of runs: over the known users, then by segment."""
        lift = None if self.lift == float("inf") else round(self.lift, 4)
        named = {"als": self.als, "blend": self.blend, "popularity": self.popularity, "live": self.live}
        there = {name: parts for name, parts in named.items() if parts is not None}
        overall = {name: asdict(known_users(parts)) for name, parts in there.items()}
        segments = {name: {of: asdict(quality) for of, quality in parts.items()} for name, parts in there.items()}
        return {"k": K, **overall, "lift": lift, "published": "blend" if self.blended else "als", "segments": segments}


def trial(held: HeldOut, als: AlsConfig, store: ModelStore, live: AlsConfig | None = None) -> Trial:
    """Judges the parameters, and those of the live model where they are others; nothing with too few users."""
    if held.users() < MIN_EVALUATED:
        return Trial({}, None, {}, None)
    alone, blend = _judged(held, als, store)
    if live is None or _learned(live) == _learned(als):
        theirs = None
    elif live.share == 1 and _learned(live) == _learned(replace(als, share=1.0, item_item=live.item_item)):
        theirs = alone
    else:
        of_live = _judged(held, live, store)
        theirs = of_live[0] if of_live[1] is None else of_live[1]
    return Trial(alone, blend, held.popularity(), theirs)


def _judged(held: HeldOut, als: AlsConfig, store: ModelStore) -> tuple[Segments, Segments | None]:
    """Quality of ALS alone and, with a share below 1, of the blend."""
    version = version_name()
    train(held.data, als, store, version).release()
    try:
        alone = held.judged(store, version, 1.0)
        return alone, held.judged(store, version) if als.share < 1 else None
    finally:
        store.remove(version)


def _learned(als: AlsConfig) -> tuple[object, ...]:
    return als.rank, als.iterations, als.regularization, als.alpha, als.share, als.item_item


def _lift(ours: Quality, theirs: Quality) -> float:
    if theirs.ndcg > 0:
        return ours.ndcg / theirs.ndcg
    return float("inf") if ours.ndcg > 0 else 0.0
