"""GET /v1/users/{id}/profile and …/recommendations/for-you. Nobody is unknown: there are fallbacks."""

from typing import Any

from fastapi import APIRouter, Depends, Request

from common.views.for_you import Filters, Recommendation, for_you
from serving.answers import Json, time_of
from serving.auth import needs
from serving.candidates import gather
from serving.errors import bad_field
from serving.routes.parameters import Category, Explain, Limit, MaxPrice, MinPrice, PathId, known_only
from serving.schemas import ProfileBody, RecommendationsBody
from serving.services import Services
from serving.stores import read_user

router = APIRouter(tags=["read"], dependencies=[Depends(needs("read")), Depends(known_only)])


@router.get("/users/{user_id:path}/profile", response_model=ProfileBody)
async def get_profile(request: Request, user_id: PathId) -> Json:
    """What somebody looks at and spends; an unknown user has an empty profile."""
    services: Services = request.app.state.services
    made = (await read_user(services, user_id)).profile
    return Json(
        {
            "user_id": user_id,
            "as_of": time_of(made.as_of_ms),
            "interest_category": made.interest_category,
            "current_category": made.current_category,
            "categories": [{"category": name, "weight": weight} for name, weight in made.categories.items()],
            "price_band": made.price_band,
            "pattern": {"counts": made.counts, "active_hour": made.active_hour},
            "recent": [
                {"item_id": a.item_id, "event_type": a.event_type, "event_time": time_of(a.time_ms)}
                for a in made.actions[: services.config.profile.recent_actions]
            ],
        }
    )


@router.get("/users/{user_id:path}/recommendations/for-you", response_model=RecommendationsBody)
async def get_for_you(
    request: Request,
    user_id: PathId,
    limit: Limit = 10,
    category: Category = None,
    min_price: MinPrice = None,
    max_price: MaxPrice = None,
    explain: Explain = False,
) -> Json:
    """Recommendations that follow the last click; `fallback` says where no model knows the user."""
    if min_price is not None and max_price is not None and min_price > max_price:
        raise bad_field("min_price", "must not be above max_price")
    services: Services = request.app.state.services
    filters = Filters(category, min_price, max_price)
    record = await read_user(services, user_id)
    found = await gather(services, user_id, record, filters, limit)
    items = for_you(
        found.als,
        found.products,
        found.seen,
        found.trends,
        record.profile,
        record.bought,
        filters,
        services.config.recommend,
    )
    # Filters and purchases may have left nothing of what stands in.
    fallback = "none" if found.fallback and not items else found.fallback
    services.metrics.fallbacks.labels(fallback or "").inc()
    answer = {
        "surface": "for-you",
        "user_id": user_id,
        "model_version": record.model_version,
        "fallback": fallback,
        "items": [_item(rank, item, explain) for rank, item in enumerate(items[:limit], start=1)],
    }
    return Json(answer)


def _item(rank: int, item: Recommendation, explain: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"rank": rank, "item_id": item.item_id, "score": item.score}
    if explain:
        answer["reasons"] = [{"signal": signal, "contribution": value} for signal, value in item.reasons]
    return answer
