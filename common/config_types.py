"""The types of configuration values, with their bounds, and what every section has in common."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

Positive = Annotated[int, Field(gt=0)]
NonNegative = Annotated[int, Field(ge=0)]
RowsACall = Annotated[int, Field(gt=0, le=20_000)]  # Redis answers nobody meanwhile
Port = Annotated[int, Field(ge=0, le=65535)]
Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*$")]
Text = Annotated[str, Field(min_length=1)]
Duration = Annotated[str, Field(pattern=r"^\d+ (milliseconds|seconds|minutes|hours|days)$")]
Action = Literal["view", "click", "exposure", "cart_add", "wish_add", "purchase", "refund"]


class Strict:
    """A section: a key that is not one of its fields is refused, also inside a list."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
