"""Configuration of the models that batch trains; see `common.config`."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from common.config_types import (
    Action,
    Days,
    EachOnce,
    Float,
    Fraction,
    Hours,
    Int,
    Minutes,
    NewestUsers,
    NonNegative,
    NonNegativeFloat,
    Positive,
    PositiveFloat,
    Seconds,
    Strict,
    Weight,
)


@dataclass(frozen=True)
class ItemItemConfig(Strict):
    """The linear item-item model (`common.models.item_item`)."""

    neighbours: Annotated[Int, Field(gt=0, le=2000)]
    regularization: PositiveFloat


@dataclass(frozen=True)
class SearchConfig(Strict):
    """The bounded search of `batch.search`; ranges are [least, most] and searched by their logarithm."""

    trials: NonNegative
    minutes: PositiveFloat
    regularization: Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]
    alpha: Annotated[list[PositiveFloat], Field(min_length=2, max_length=2)]
    item_item_regularization: Annotated[list[PositiveFloat], Field(min_length=1), EachOnce]
    shares: Annotated[list[Fraction], Field(min_length=1), EachOnce]


@dataclass(frozen=True)
class AlsConfig(Strict):
    rank: Positive
    iterations: Positive
    regularization: PositiveFloat
    alpha: PositiveFloat
    half_life_days: PositiveFloat
    weights: Annotated[dict[Action, Weight], Field(min_length=1)]
    candidates: Positive
    test_fraction: Annotated[Float, Field(gt=0, lt=1)]
    min_lift_over_popularity: PositiveFloat
    min_lift_over_live: PositiveFloat
    keep_versions: Positive
    canary_share: Annotated[Float, Field(gt=0, le=1)]
    share: Fraction
    item_item: ItemItemConfig
    search: SearchConfig


@dataclass(frozen=True)
class CtrConfig(Strict):
    """The click-through model; what its gate compares is in `batch.ctr_judge`."""

    days: Days
    actions: Annotated[
        list[Literal["click", "view", "cart_add", "wish_add", "purchase"]], Field(min_length=1), EachOnce
    ]
    window_minutes: Minutes
    regularization: PositiveFloat
    calibration_fraction: Annotated[Float, Field(ge=0.02, le=0.4)]
    test_fraction: Annotated[Float, Field(ge=0.02, le=0.4)]
    min_exposures: Positive
    min_gain: Annotated[Float, Field(ge=0, lt=1)]
    max_loss_to_live: PositiveFloat
    calibration_bound: Annotated[Float, Field(gt=1)]
    psi_alarm: PositiveFloat
    keep_versions: Positive


@dataclass(frozen=True)
class SessionsConfig(Strict):
    days: Days
    gap_minutes: Minutes
    actions: Annotated[list[Action], Field(min_length=1), EachOnce]
    most: Positive
    min_z_over_popularity: NonNegativeFloat
    min_recall_to_live: NonNegativeFloat
    keep_versions: Positive
    fresh_users: NewestUsers
    fresh_read: NewestUsers
    fresh_hours: Hours
    refresh_seconds: Seconds
