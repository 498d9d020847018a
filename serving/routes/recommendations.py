"""The recommendation surfaces: three of a user, two of an item. Nobody and nothing is unknown: there are fallbacks."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from common.events import ID_PATTERN
from serving.answers import Json
from serving.auth import needs
from serving.routes.parameters import PathId, Wanted, known_only, wanted
from serving.schemas import ItemRecommendationsBody, RecommendationsBody
from serving.services import Services
from serving.surfaces import beside
from serving.surfaces.answered import answer
from serving.surfaces.asked import ask
from serving.surfaces.for_you import for_you
from serving.surfaces.now import now
from serving.surfaces.trending import trending

router = APIRouter(tags=["read"], dependencies=[Depends(needs("read")), Depends(known_only)])
Asking = Annotated[Wanted, Depends(wanted)]
UserId = Annotated[
    str, Query(max_length=64, pattern=rf"^(?:{ID_PATTERN})?$", description="whose cart and history count")
]


@router.get("/users/{user_id}/recommendations/for-you", response_model=RecommendationsBody)
async def get_for_you(request: Request, user_id: PathId, given: Asking) -> Json:
    """Recommendations that follow the last click; `fallback` says where no model knows the user."""
    services: Services = request.app.state.services
    asked = ask("for-you", given.filters, given.limit, given.explain, user_id)
    return answer(services, asked, await for_you(services, asked))


@router.get("/users/{user_id}/recommendations/now", response_model=RecommendationsBody)
async def get_now(request: Request, user_id: PathId, given: Asking) -> Json:
    """What the last items lead to."""
    services: Services = request.app.state.services
    asked = ask("now", given.filters, given.limit, given.explain, user_id)
    return answer(services, asked, await now(services, asked))


@router.get("/users/{user_id}/recommendations/trending", response_model=RecommendationsBody)
async def get_trending(request: Request, user_id: PathId, given: Asking) -> Json:
    """What is popular now in the category being viewed, weighed by taste."""
    services: Services = request.app.state.services
    asked = ask("trending", given.filters, given.limit, given.explain, user_id)
    return answer(services, asked, await trending(services, asked))


@router.get("/items/{item_id}/related", response_model=ItemRecommendationsBody)
async def get_related(request: Request, item_id: PathId, given: Asking, user_id: UserId = "") -> Json:
    """What is bought together with the item and with what is in the user's cart."""
    services: Services = request.app.state.services
    asked = ask("related", given.filters, given.limit, given.explain, user_id, item_id)
    return answer(services, asked, await beside.related(services, asked))


@router.get("/items/{item_id}/similar", response_model=ItemRecommendationsBody)
async def get_similar(request: Request, item_id: PathId, given: Asking, user_id: UserId = "") -> Json:
    """What could stand in for the item."""
    services: Services = request.app.state.services
    asked = ask("similar", given.filters, given.limit, given.explain, user_id, item_id)
    return answer(services, asked, await beside.similar(services, asked))
