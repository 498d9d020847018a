"""The click-through model as it is served: a scorecard, which is a logistic regression on bucketised features.

Every feature is cut into buckets and each bucket has a weight in log-odds; so have the pairs of buckets of `CROSSES`.

    logit p = slope · (intercept + Σ weights of the row's buckets) + offset

slope and offset are Platt's calibration (Platt 1999). The weights of a row are its explanation: with `base` they add
up to its logit. Pure numpy, some 100 µs for 200 rows; its JSON is a few kB.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from common.views.ctr_features import FEATURES, NAMES, POSITION, SURFACE

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
CROSSES = (("position", "surface"), ("acted_category", "acted"))
PARTS = (*NAMES, *(f"{one} × {other}" for one, other in CROSSES))
MOST_SURFACES = 8


@dataclass(frozen=True)
class Bins:
    """`edges` of each feature, ascending: bucket n holds the values from edge n−1 to below edge n, the last one what is
    unknown."""

    edges: tuple[tuple[float, ...], ...]

    @cached_property
    def sizes(self) -> list[int]:
        """Buckets of each of `PARTS`."""
        own = [len(cut) + 2 for cut in self.edges]
        return own + [own[NAMES.index(one)] * own[NAMES.index(other)] for one, other in CROSSES]

    @cached_property
    def starts(self) -> Places:
        """Place of the first weight of each of `PARTS`."""
        return np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.int64)

    @property
    def size(self) -> int:
        """Weights in all."""
        return sum(self.sizes)

    def buckets(self, x: Floats) -> Places:
        """Rows × features → the bucket of each."""
        columns = [np.searchsorted(cut, x[:, n], side="right") for n, cut in enumerate(self.edges)]
        found = np.stack(columns, axis=1).astype(np.int64)
        unknown = np.array([len(cut) + 1 for cut in self.edges])
        return np.where(np.isnan(x), unknown, found)

    def places(self, x: Floats) -> Places:
        """Rows × features → rows × `PARTS`: the place of each weight that counts."""
        own = self.buckets(x)
        pairs = [(NAMES.index(one), NAMES.index(other)) for one, other in CROSSES]
        crossed = [own[:, one] * self.sizes[other] + own[:, other] for one, other in pairs]
        return np.asarray(np.column_stack([own, *crossed]) + self.starts)


@dataclass(frozen=True)
class Scorecard:
    """A trained model; `category_price` is the mean log price by category up to `as_of_ms`."""

    version: str
    bins: Bins
    weights: Floats
    intercept: float
    slope: float
    offset: float
    surfaces: tuple[str, ...]
    category_price: dict[str, float] = field(default_factory=dict)
    as_of_ms: int = 0

    @property
    def base(self) -> float:
        """The logit of a row whose weights are all 0."""
        return self.slope * self.intercept + self.offset

    def parts(self, x: Floats) -> Floats:
        """Rows × `PARTS`: what each adds to the logit."""
        return np.asarray(self.slope * self.weights[self.bins.places(x)])

    def margins(self, x: Floats) -> Floats:
        """Log-odds before the calibration."""
        return np.asarray(self.intercept + self.weights[self.bins.places(x)].sum(axis=1))

    def probabilities(self, x: Floats) -> Floats:
        """Calibrated chance of a click."""
        return sigmoid(self.slope * self.margins(x) + self.offset)

    def shown_at(self, x: Floats, surface: str, position: float = 0.0) -> Floats:
        """The rows as if they stood on this surface at this place."""
        moved: Floats = x.copy()
        moved[:, POSITION], moved[:, SURFACE] = position, surface_codes(self.surfaces, [surface])[0]
        return moved

    def dump(self) -> bytes:
        """As JSON; `load` reads it."""
        named = dict(zip(NAMES, self.bins.edges, strict=True))
        numbers = {"intercept": self.intercept, "slope": self.slope, "offset": self.offset, "as_of_ms": self.as_of_ms}
        weights = [round(float(weight), 6) for weight in self.weights]
        more = {"surfaces": self.surfaces, "category_price": self.category_price}
        return orjson.dumps({"version": self.version, "edges": named, "weights": weights, **numbers, **more})


def load(text: bytes | str) -> Scorecard | None:
    """The model of `Scorecard.dump`; None when it was trained on other features than this code computes."""
    read: dict[str, Any] = orjson.loads(text)
    if tuple(read["edges"]) != NAMES:
        return None
    bins = Bins(tuple(tuple(float(edge) for edge in cut) for cut in read["edges"].values()))
    weights = np.asarray(read["weights"], float)
    if len(weights) != bins.size:
        return None
    numbers = (float(read["intercept"]), float(read["slope"]), float(read["offset"]))
    prices = {str(name): float(price) for name, price in read["category_price"].items()}
    return Scorecard(read["version"], bins, weights, *numbers, tuple(read["surfaces"]), prices, int(read["as_of_ms"]))


def surface_codes(surfaces: tuple[str, ...], names: list[str]) -> Floats:
    """The number of each surface; NaN for one that is not among the commonest."""
    codes = {name: float(n) for n, name in enumerate(surfaces)}
    return np.array([codes.get(name, np.nan) for name in names], float)


def bins_of(learned: dict[str, list[float]], surfaces: int) -> Bins:
    """The features' own edges, those `learned` for the others, and one bucket a surface."""
    by_surface = tuple(n - 0.5 for n in range(1, surfaces))
    cuts = [by_surface if f.name == "surface" else f.edges or tuple(sorted(set(learned[f.name]))) for f in FEATURES]
    return Bins(tuple(cuts))


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + e^−z), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))
