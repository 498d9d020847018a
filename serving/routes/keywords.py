"""GET /v1/keywords/trending: what is searched for more than is usual."""

from fastapi import APIRouter, Depends, Request

from serving.answers import Json, time_of_minute
from serving.auth import needs
from serving.routes.parameters import Limit, known_only
from serving.schemas import TrendingKeywordsBody

router = APIRouter(tags=["read"], dependencies=[Depends(needs("read")), Depends(known_only)])


@router.get("/keywords/trending", response_model=TrendingKeywordsBody)
async def get_trending_keywords(request: Request, limit: Limit = 10) -> Json:
    """Most improbable first; an empty list when nothing is above its usual."""
    board = await request.app.state.keywords.board()
    return Json({"as_of": time_of_minute(board.as_of), "keywords": board.keywords[:limit]})
