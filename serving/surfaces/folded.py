"""Candidates for a user whom the model was not trained on, from the very first click: folded in from the last items.

The same function that the batch layer recommends by (`common.models.recommender`), on the actions that serving knows:
strength = Σ weight(action) · 2^(−age / half-life), age counted from the newest of them.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from common.config_models import AlsConfig
from common.models.recommender import History, Recommender
from common.views.actions import Action

DAY_MS = 86_400_000
ITEMS = 200


def folded_in(model: Recommender, actions: Iterable[Action], als: AlsConfig, n: int) -> dict[str, float]:
    """Item → score of the best `n`, best first; none where the model knows none of the items acted on."""
    strengths = strengths_of(actions, als)
    known, places = model.known(list(strengths))
    if not known:
        return {}
    values = np.array([strengths[item] for item in known])
    history = History(places, values, places[:0])
    ((found, scores),) = model.best([history], n)
    return dict(zip(model.names(found), scores.tolist(), strict=True))


def strengths_of(actions: Iterable[Action], als: AlsConfig) -> dict[str, float]:
    """Item → strength, of the `ITEMS` acted on last; `actions` newest first."""
    sums: defaultdict[str, float] = defaultdict(float)
    newest: int | None = None
    for action in actions:
        weight = als.weights.get(action.event_type, 0.0)  # type: ignore[call-overload]
        if action.item_id and weight > 0:
            newest = action.time_ms if newest is None else newest
            if action.item_id in sums or len(sums) < ITEMS:
                sums[action.item_id] += weight * 2.0 ** (-(newest - action.time_ms) / DAY_MS / als.half_life_days)
    return dict(sums)
