"""Path and query parameters with their limits; what is outside of them is 400 naming the field.

So is a query parameter that the route does not have, or one given twice: `limt=5` or `limit=5&limit=6` would otherwise
be answered as if it were right.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from common.category import normal_category
from common.events import ID_PATTERN
from common.validate import epoch_ms
from common.views.offers import Filters
from serving.errors import AN_ID, bad_field
from serving.routes.paths import decoded

ID = rf"^(?:{ID_PATTERN})$"


def _named(text: str | None) -> str | None:
    """What the category is called, None for only slashes. Without them it is judged again: /* is not all categories."""
    name = normal_category(text or "")
    if name and not _is_id(name):
        raise PydanticCustomError("category", AN_ID)
    return name or None


PathId = Annotated[str, Path(max_length=64, pattern=ID), BeforeValidator(decoded)]
Category = Annotated[
    str | None,
    Query(max_length=64, pattern=ID, description="only this category and what is below it"),
    AfterValidator(_named),
]
Limit = Annotated[int, Query(ge=1, le=1000, description="how many items")]
At = Annotated[
    str | None, Query(max_length=64, description="a past moment, RFC 3339: the ranking at the end of its minute")
]
MinPrice = Annotated[float | None, Query(ge=0, le=1e9, allow_inf_nan=False)]
MaxPrice = Annotated[float | None, Query(ge=0, le=1e9, allow_inf_nan=False)]
Style = Annotated[str | None, Query(max_length=64, pattern=ID, description="only this style of the catalogue")]
LISTS = frozenset({"exclude"})  # may be given several times
MOST_EXCLUDED = 200
EXCLUDED = re.compile(ID_PATTERN)
Exclude = Annotated[
    list[str] | None,
    Query(description="an item shown already, again for each, or several comma separated; at most 200"),
]
Explain = Annotated[bool, Query(description="with reasons, which add up to the score")]


def past_minute(text: str, now_ms: int) -> int:
    """The epoch minute of `at`; 400 for what is no time or in the future."""
    moment = epoch_ms(text)
    if moment is None:
        raise bad_field("at", "must be RFC 3339 with a zone, e.g. 2026-11-24T12:00:00Z (in a URL + is written %2B)")
    if moment > now_ms:
        raise bad_field("at", "is in the future")
    return moment // 60_000


@dataclass(frozen=True)
class Wanted:
    """What every recommendation surface can be asked."""

    limit: int
    filters: Filters
    explain: bool


async def wanted(
    limit: Limit = 10,
    category: Category = None,
    min_price: MinPrice = None,
    max_price: MaxPrice = None,
    style: Style = None,
    exclude: Exclude = None,
    explain: Explain = False,
) -> Wanted:
    """A dependency of the surfaces' routes; 400 where filters contradict each other or hold what is no id."""
    if min_price is not None and max_price is not None and min_price > max_price:
        raise bad_field("min_price", "must not be above max_price")
    return Wanted(limit, Filters(category, min_price, max_price, style, excluded(exclude or [])), explain)


def excluded(values: list[str]) -> frozenset[str]:
    """The items of `exclude`. An id may hold commas, so a value stands for itself as well as for its parts; 400 for one
    that is no id and has a part that is none, and for too many, an id among several parameters counting as one."""
    parts = {value: [part for part in value.split(",") if part] for value in values if value}
    if sum(1 if len(parts) > 1 and _is_id(value) else len({*parts[value]}) for value in parts) > MOST_EXCLUDED:
        raise bad_field("exclude", f"must hold at most {MOST_EXCLUDED} items")
    for value, several in parts.items():
        if not _is_id(value) and not all(map(_is_id, several)):
            raise bad_field("exclude", "must be item ids, comma separated or each in a parameter of its own")
    return frozenset(parts).union(*parts.values())


def _is_id(text: str) -> bool:
    return len(text) <= 64 and EXCLUDED.fullmatch(text) is not None


async def known_only(request: Request) -> None:
    """A dependency of routes that read: 400 for the first query parameter that the route does not have, and for one
    given twice.

    What is allowed is what the route's function takes. Without a query string it costs one look.
    """
    if not request.scope["query_string"]:
        return
    allowed = _query_parameters(request.scope["route"].dependant)
    for name in request.query_params:
        if name not in allowed:
            raise bad_field(name[:64], f"unknown parameter; allowed here: {', '.join(allowed) or 'none'}")
    await given_once(request)


async def given_once(request: Request) -> None:
    """A dependency of all routes: 400 for the first query parameter that is given twice where one value is taken."""
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        if times > 1 and name not in LISTS:
            raise bad_field(name[:64], "is given more than once")


def _query_parameters(dependant: Any) -> list[str]:
    """The query parameters of a route's function and of what it depends on."""
    own = [parameter.alias for parameter in dependant.query_params]
    return own + [name for below in dependant.dependencies for name in _query_parameters(below)]
