"""Configuration of the recommendation surfaces: which signals each blends, with what weights."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from common.config_types import Days, Fraction, Int, NonNegativeFloat, Positive, PositiveFloat, Strict, Weight

Signal = Literal[
    "als", "alike", "category", "complement", "ctr", "fresh", "price", "recent",
    "rising", "seen", "session", "style", "together", "trend",
]  # fmt: skip
Surface = Literal["for-you", "now", "trending", "related", "similar"]

# What each surface knows of an item; what a signal means: `common.views.signals`.
SIGNALS: dict[Surface, tuple[Signal, ...]] = {
    "for-you": ("als", "category", "price", "trend", "recent", "fresh", "seen"),
    "now": ("session", "ctr", "category", "price", "trend", "recent", "seen"),
    "trending": ("rising", "trend", "category", "style", "price", "seen"),
    "related": ("together", "als", "session", "complement", "price", "trend"),
    "similar": ("together", "als", "session", "alike", "price", "trend"),
}


@dataclass(frozen=True)
class SurfaceConfig(Strict):
    """`weights` names exactly the signals of the surface (`SIGNALS`); 0 switches one off."""

    weights: dict[Signal, Weight]
    diversity: Weight
    exploration: Fraction


@dataclass(frozen=True)
class SurfacesConfig(Strict):
    for_you: SurfaceConfig
    now: SurfaceConfig
    trending: SurfaceConfig
    related: SurfaceConfig
    similar: SurfaceConfig

    def of(self, surface: Surface) -> SurfaceConfig:
        """The settings of one surface by its name in the API."""
        found: SurfaceConfig = getattr(self, surface.replace("-", "_"))
        return found

    def wrong_signals(self) -> str:
        """What is wrong with the names of the weights, in words; '' for nothing."""
        for surface, signals in SIGNALS.items():
            if set(self.of(surface).weights) != set(signals):
                key = f"recommend.surfaces.{surface.replace('-', '_')}.weights"
                return f"'{key}' must name each of: {', '.join(signals)}"
        return ""


@dataclass(frozen=True)
class RecommendConfig(Strict):
    candidates: Positive
    explore_from: Positive
    fresh_days: PositiveFloat
    surfaces: SurfacesConfig


@dataclass(frozen=True)
class RelatedConfig(Strict):
    """Which items go together: see the job `related`."""

    days: Days
    per_unit: Annotated[Int, Field(ge=2, le=200)]
    min_together: Positive
    min_score: PositiveFloat
    keep: Annotated[Int, Field(gt=0, le=500)]
    min_lists_to_live: NonNegativeFloat
    keep_versions: Positive
