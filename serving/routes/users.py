"""GET /v1/users/{id}/profile. Nobody is unknown: there is an empty profile."""

from fastapi import APIRouter, Depends, Request

from serving.answers import Json, time_of
from serving.auth import needs
from serving.routes.parameters import PathId, known_only
from serving.schemas import ProfileBody
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
