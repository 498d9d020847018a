"""GET /v1/rankings/{name}: the best items of a ranking, overall or of one category."""

from fastapi import APIRouter, Depends, Request

from common.config import RankingConfig
from common.views.rankings import ranked
from serving.answers import Json, time_of_minute
from serving.auth import needs
from serving.errors import ApiError
from serving.ranked import read_ranking
from serving.routes.parameters import Category, Limit, PathId
from serving.schemas import RankingBody
from serving.services import Services

router = APIRouter(tags=["read"], dependencies=[Depends(needs("read"))])


@router.get("/rankings/{name}", response_model=RankingBody)
async def get_ranking(request: Request, name: PathId, category: Category = None, limit: Limit = 10) -> Json:
    """`category` answers for its whole sub-tree, an unknown one is an empty list; an unknown ranking is 404."""
    services: Services = request.app.state.services
    found = await read_ranking(services, _definition(services, name), category, limit)
    return Json(
        {
            "ranking": name,
            "category": category,
            "as_of": time_of_minute(found.as_of),
            "horizon": time_of_minute(found.horizon),
            "items": ranked(found.rows, found.factor, found.views),
        }
    )


def _definition(services: Services, name: str) -> RankingConfig:
    known = services.config.rankings.definitions
    for definition in known:
        if definition.name == name:
            return definition
    names = ", ".join(definition.name for definition in known)
    raise ApiError(404, "not_found", f"no such ranking; there are: {names}")
