"""GET /v1/rankings/{name}: the best items of a ranking, overall or of one category."""

import time

from fastapi import APIRouter, Depends, Request

from common.config import CorrectedConfig, RankingConfig
from common.views.past import Standing
from common.views.rankings import changes, ranked
from serving.answers import Json, time_of_minute
from serving.auth import needs
from serving.described import errors
from serving.errors import ApiError, bad_field
from serving.ranked import Ranking, read_factors, read_past, read_ranking, read_rate
from serving.routes.parameters import At, Category, Limit, PathId, known_only, past_minute
from serving.schemas import RankingBody
from serving.services import Services

KEEP_SECONDS = 0.05  # everybody asks for the same few rankings: made once in so long
router = APIRouter(tags=["read"], dependencies=[Depends(needs("read")), Depends(known_only)])


@router.get("/rankings/{name}", response_model=RankingBody, responses=errors(404))
async def get_ranking(
    request: Request, name: PathId, category: Category = None, limit: Limit = 10, at: At = None
) -> Json:
    """`category` answers for its whole sub-tree, an unknown one is an empty list; an unknown ranking is 404. `at` asks
    for the ranking of a past minute."""
    services: Services = request.app.state.services
    minute = None if at is None else past_minute(at, time.time_ns() // 1_000_000)

    async def make() -> Json:
        return await _answer(services, name, category, limit, minute)

    answer: Json = await services.kept.get(("ranking", name, category, limit, minute), KEEP_SECONDS, make)
    return answer


async def _answer(services: Services, name: str, category: str | None, limit: int, minute: int | None) -> Json:
    found, before = await _read(services, name, category, limit, minute)
    ranks = before.ranks([member for member, _ in found.rows], category)
    moved = changes(found.ranks, ranks, len(before) > 0)
    return Json(
        {
            "ranking": name,
            "category": category,
            "as_of": time_of_minute(found.as_of),
            "horizon": time_of_minute(found.horizon),
            "items": ranked(found.rows, found.factor, found.views, moved),
        }
    )


async def _read(
    services: Services, name: str, category: str | None, limit: int, minute: int | None
) -> tuple[Ranking, Standing]:
    """The ranking, and the one of an hour before it."""
    rankings = services.config.rankings
    if any(rate.name == name for rate in rankings.rates):
        if minute is not None:
            raise bad_field("at", f"{name} is learned by a batch job: only the newest is kept")
        return await read_ranking(services, await read_rate(services, name), category, limit), Standing.empty()
    definition, corrected = _definition(services, name)
    if minute is not None:
        past = await read_past(services, definition, corrected, category, limit, minute)
        if past is not None:
            return past
    factors = await read_factors(services, corrected) if corrected else ""
    found = await read_ranking(services, definition, category, limit, factors)
    return found, await services.past.hour_ago(definition, corrected)


def _definition(services: Services, name: str) -> tuple[RankingConfig, CorrectedConfig | None]:
    """The ranking that is read, and how it is corrected."""
    rankings = services.config.rankings
    known = {definition.name: definition for definition in rankings.definitions}
    corrected = {ranking.name: ranking for ranking in rankings.corrected}
    if name in known:
        return known[name], None
    if name in corrected:
        return known[corrected[name].of], corrected[name]
    names = ", ".join([*known, *corrected, *(rate.name for rate in rankings.rates)])
    raise ApiError(404, "not_found", f"no such ranking; there are: {names}")
