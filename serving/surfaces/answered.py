"""The answer of a recommendation surface: blended, counted, logged as exposure candidates."""

import uuid
from typing import Any

from common.views.blend import Explore, Recommendation, blend
from serving.answers import Json
from serving.services import Services
from serving.surfaces.asked import Asked, Found
from serving.surfaces.exposures import log_candidates
from serving.surfaces.pool import NONE


def answer(services: Services, asked: Asked, found: Found) -> Json:
    """The contract's answer. `fallback` is `none` where the list is empty.

    The header X-Request-Id names the answer in the topic `exposure_candidates`; the body is the same for the same
    question within a minute.
    """
    recommend = services.config.recommend
    explore = Explore(asked.seed, recommend.explore_from)
    items = blend(found.candidates, recommend.surfaces.of(asked.surface), asked.limit, explore)
    fallback = found.fallback if items else NONE
    request_id = uuid.uuid4().hex
    services.metrics.fallbacks.labels(asked.surface, fallback or "").inc()
    log_candidates(services, asked, request_id, fallback, found.versions, items)
    about = {"item_id": asked.item} if asked.item else {}
    return Json(
        {
            "surface": asked.surface,
            "user_id": asked.user or None,
            **about,
            "model_version": found.version,
            "fallback": fallback,
            "items": [_item(rank, item, asked.explain) for rank, item in enumerate(items, start=1)],
        },
        headers={"X-Request-Id": request_id},
    )


def _item(rank: int, item: Recommendation, explain: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"rank": rank, "item_id": item.item_id, "score": item.score}
    if explain:
        shown["reasons"] = [{"signal": signal, "contribution": value} for signal, value in item.reasons]
    return shown
