"""Shapes of the answers, for /openapi.json and /docs; the routes write them by orjson directly."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from common.config_surfaces import Signal, Surface


class ErrorDetail(BaseModel):
    code: str
    message: str
    details: Any = None


class ErrorBody(BaseModel):
    error: ErrorDetail


class RejectedEvent(BaseModel):
    index: int = Field(description="place in the request, from 0")
    field: str = Field(description="'' means the whole event")
    reason: str


class ReceiptBody(BaseModel):
    accepted: int
    rejected: list[RejectedEvent]


class RankedItemBody(BaseModel):
    rank: int
    item_id: str
    category: str
    score: float
    views: int = Field(description="in the hour before as_of")
    change: int | None = Field(description="places risen since an hour before (below 0: fallen); null without any then")
    new: bool = Field(description="was not ranked an hour before, when others were")


class RankingBody(BaseModel):
    ranking: str
    category: str | None
    as_of: str | None = Field(description="the minute it holds for: the newest, or that of `at`; null before any event")
    horizon: str | None = Field(description="T, up to which the batch layer vouches; null before its first run")
    items: list[RankedItemBody]


class CategoryWeight(BaseModel):
    category: str
    weight: float = Field(description="the weights of all categories sum to 1")


class PriceBand(BaseModel):
    low: float | None
    typical: float | None
    high: float | None


class CategoryBand(PriceBand):
    category: str


class StyleWeight(BaseModel):
    style: str
    weight: float


class BrandWeight(BaseModel):
    brand: str
    weight: float


class HourOfDay(BaseModel):
    hour: int = Field(description="of the day, UTC")
    actions: int


class Pattern(BaseModel):
    counts: dict[str, int]
    active_hour: int | None = Field(description="hour of the day, UTC")
    hours: list[HourOfDay]
    visits: int = Field(description="a visit ends after 30 minutes without an action")
    visit_minutes: float | None = Field(description="mean length of a visit")
    view_to_cart: float | None
    cart_to_purchase: float | None
    view_to_purchase: float | None
    device: str | None = Field(description="of the newest action that names one")


class RecentAction(BaseModel):
    item_id: str
    event_type: str
    event_time: str


class LastItems(BaseModel):
    viewed: list[str]
    carted: list[str]
    wished: list[str] = Field(description="still on the wish list")
    bought: list[str]


class ProfileBody(BaseModel):
    user_id: str
    as_of: str | None
    interest_category: str | None
    current_category: str | None = Field(description="category of the newest action")
    categories: list[CategoryWeight]
    price_band: PriceBand
    price_bands: list[CategoryBand]
    styles: list[StyleWeight]
    brands: list[BrandWeight]
    pattern: Pattern
    recent: list[RecentAction]
    last: LastItems
    cart: list[str]


class ErasureBody(BaseModel):
    user_id: str
    requested_at: str
    sessions: int = Field(description="in which the user was anonymous, forgotten as well")


class Reason(BaseModel):
    signal: Signal | Literal["diversity", "exploration"]
    contribution: float


class RecommendedItem(BaseModel):
    rank: int
    item_id: str
    score: float
    reasons: list[Reason] | None = Field(None, description="with explain=true; they add up to the score")


class RecommendationsBody(BaseModel):
    surface: Surface
    user_id: str | None
    model_version: str | None
    fallback: Literal["together", "popular-in-category", "popular", "none"] | None
    items: list[RecommendedItem]


class ItemRecommendationsBody(RecommendationsBody):
    item_id: str


class ItemBody(BaseModel):
    item_id: str
    fallback: Literal["unknown-item"] | None
    title: str | None
    category: str | None
    price: float | None
    style: str | None
    brand: str | None
    stock: int | None
    status: str | None


class Part(BaseModel):
    ok: bool
    detail: str
    needed: bool = Field(description="false: it is said, but this process is fit to serve without it")


class ReadyBody(BaseModel):
    ready: bool
    parts: dict[str, Part]


class TrendingKeyword(BaseModel):
    rank: int
    keyword: str = Field(description="in its most used form")
    searches: int = Field(description="different people who searched it within the window, each counted once")
    baseline: float = Field(description="how many are usual in such a window at this hour")
    score: float = Field(description="how improbable the searches are under the baseline, as a z")
    change: float = Field(description="searches by the baseline, or by 1 where less is usual")


class TrendingKeywordsBody(BaseModel):
    as_of: str | None = Field(description="newest minute of event time; null before the first event")
    keywords: list[TrendingKeyword]
