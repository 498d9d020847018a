"""GET /v1/rankings/{name}: the best items of a ranking, overall or of one category."""

from fastapi import APIRouter, Depends, Request

from common.config import CorrectedConfig, RankingConfig
from common.views.rankings import ranked
from serving.answers import Json, time_of_minute
from serving.auth import needs
from serving.errors import ApiError
from serving.ranked import read_factors, read_ranking
from serving.routes.parameters import Category, Limit, PathId, known_only
from serving.schemas import RankingBody
from serving.services import Services

router = APIRouter(tags=["read"], dependencies=[Depends(needs("read")), Depends(known_only)])


@router.get("/rankings/{name}", response_model=RankingBody)
async def get_ranking(request: Request, name: PathId, category: Category = None, limit: Limit = 10) -> Json:
    """`category` answers for its whole sub-tree, an unknown one is an empty list; an unknown ranking is 404."""
    services: Services = request.app.state.services
    definition, corrected = _definition(services, name)
    factors = await read_factors(services, corrected) if corrected else ""
    found = await read_ranking(services, definition, category, limit, factors)
    return Json(
        {
            "ranking": name,
            "category": category,
            "as_of": time_of_minute(found.as_of),
            "horizon": time_of_minute(found.horizon),
            "items": ranked(found.rows, found.factor, found.views),
        }
    )


def _definition(services: Services, name: str) -> tuple[RankingConfig, CorrectedConfig | None]:
    """The ranking that is read, and how it is corrected."""
    rankings = services.config.rankings
    known = {definition.name: definition for definition in rankings.definitions}
    corrected = {ranking.name: ranking for ranking in rankings.corrected}
    if name in known:
        return known[name], None
    if name in corrected:
        return known[corrected[name].of], corrected[name]
    names = ", ".join([*known, *corrected])
    raise ApiError(404, "not_found", f"no such ranking; there are: {names}")
