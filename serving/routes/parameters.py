"""Path and query parameters with their limits; what is outside of them is 400 naming the field."""

from typing import Annotated

from fastapi import Path, Query

from common.events import ID_PATTERN

ID = rf"^(?:{ID_PATTERN})$"

PathId = Annotated[str, Path(max_length=64, pattern=ID)]
Category = Annotated[
    str | None, Query(max_length=64, pattern=ID, description="only this category and what is below it")
]
Limit = Annotated[int, Query(ge=1, le=1000, description="how many items")]
MinPrice = Annotated[float | None, Query(ge=0, le=1e9, allow_inf_nan=False)]
MaxPrice = Annotated[float | None, Query(ge=0, le=1e9, allow_inf_nan=False)]
Explain = Annotated[bool, Query(description="with reasons, which add up to the score")]
