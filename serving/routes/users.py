"""GET /v1/users/{id}/profile and DELETE /v1/users/{id}. Nobody is unknown: there is an empty profile."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends, Request

from common.views.actions import Action, cart, wishes
from common.views.pattern import Past, device, pattern, with_past
from common.views.profile import Profile, busiest
from common.views.signals import seen_items
from common.views.taste import Taste, taste
from serving.answers import Json, time_of
from serving.auth import needs
from serving.erasure import forget
from serving.long_pattern import read_long_pattern
from serving.routes.parameters import PathId, known_only
from serving.schemas import ErasureBody, ProfileBody
from serving.services import Services
from serving.stores import read_user

router = APIRouter(tags=["read"], dependencies=[Depends(known_only)])
LAST = 20


@router.delete("/users/{user_id}", status_code=202, response_model=ErasureBody, dependencies=[Depends(needs("admin"))])
async def delete_user(request: Request, user_id: PathId) -> Json:
    """Forgets a user: gone from Redis at once, from Delta with the next run of the job `forget`."""
    made = await forget(request.app.state.services, user_id)
    body = {"user_id": user_id, "requested_at": time_of(made.requested_ms), "sessions": len(made.sessions)}
    return Json(body, status_code=202)


@router.get("/users/{user_id}/profile", response_model=ProfileBody, dependencies=[Depends(needs("read"))])
async def get_profile(request: Request, user_id: PathId) -> Json:
    """What somebody looks at and spends, how they browse; an unknown user has an empty profile."""
    services: Services = request.app.state.services
    record = await read_user(services, user_id)
    made, past = record.profile, await read_long_pattern(services, user_id)
    known = await services.products.of({action.item_id for action in made.actions if action.item_id})
    everything = with_past(made.actions, past)
    liked = taste(made.actions, known, record.long_term, services.config.profile)
    return Json(
        {
            "user_id": user_id,
            "as_of": time_of(everything[0].time_ms if everything else None),
            "interest_category": made.interest_category,
            "current_category": made.current_category,
            "categories": [{"category": name, "weight": weight} for name, weight in made.categories.items()],
            "price_band": made.price_band,
            **_tastes(liked),
            "pattern": _pattern(made, past),
            "recent": [_recent(action) for action in made.actions[: services.config.profile.recent_actions]],
            "last": _last(everything),
            "cart": cart(made.actions)[:LAST],
        }
    )


def _tastes(liked: Taste) -> dict[str, Any]:
    return {
        "price_bands": [{"category": name, **band} for name, band in liked.bands.items()],
        "styles": [{"style": name, "weight": weight} for name, weight in liked.styles.items()],
        "brands": [{"brand": name, "weight": weight} for name, weight in liked.brands.items()],
    }


def _pattern(made: Profile, past: Past) -> dict[str, Any]:
    """The batch layer's part up to its T, what Redis has from there on; of exposures and searches what Redis has."""
    after = made.since(past.until_ms)
    browsing = asdict(pattern(after.actions, after.counts, past))
    hours = [{"hour": hour, "actions": number} for hour, number in browsing.pop("hours").items()]
    shown: dict[str, int] = {kind: made.counts[kind] for kind in ("exposure", "search") if kind in made.counts}
    counts: dict[str, int] = {**(Counter(past.counts) + Counter(after.counts)), **shown}
    return {
        "counts": dict(sorted(counts.items())),
        "active_hour": busiest({one["hour"]: one["actions"] for one in hours}),
        "hours": hours,
        **browsing,
        "device": device(made.actions, past),
    }


def _recent(action: Action) -> dict[str, Any]:
    return {"item_id": action.item_id, "event_type": action.event_type, "event_time": time_of(action.time_ms)}


def _last(actions: Sequence[Action]) -> dict[str, list[str]]:
    """The last different items by what was done with them, newest first; wished: what still is."""
    bought = dict.fromkeys(action.item_id for action in actions if action.event_type == "purchase")
    carted = dict.fromkeys(action.item_id for action in actions if action.event_type == "cart_add")
    return {
        "viewed": seen_items(actions, LAST),
        "carted": list(carted)[:LAST],
        "wished": wishes(actions)[:LAST],
        "bought": list(bought)[:LAST],
    }
