"""The click-through model as it is served, its gate and its drift, against formulas written out."""

import dataclasses
import math

import numpy as np
import orjson
import pytest

from batch.ctr_judge import Quality, drift_line, entropy, index, refusal
from common.models.ctr import CROSSES, PARTS, Bins, Scorecard, bins_of, load, surface_codes
from common.views.ctr_features import DAY_MS, FEATURES, NAMES, POSITION, SURFACE, Deed, Offered, past, personal

LEARNED = {feature.name: [-1.0, 0.0, 0.0, 1.0] for feature in FEATURES if feature.edges is None}
BINS = bins_of(LEARNED, 3)


def card(seed: int = 0, **changes: object) -> Scorecard:
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=BINS.size).round(6)
    made = Scorecard("v1", BINS, weights, -2.0, 0.9, 0.1, ("home", "now", "search"), {"c": 3.5}, 77)
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def rows(n: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(FEATURES))) * 3
    x[rng.random(x.shape) < 0.2] = np.nan
    return x


def bucket(cut: tuple[float, ...], value: float) -> int:
    return len(cut) + 1 if math.isnan(value) else sum(edge <= value for edge in cut)


def test_a_chance_is_the_calibrated_sum_of_the_weights_of_its_buckets() -> None:
    model, x = card(), rows(200)
    starts = np.cumsum([0, *BINS.sizes])
    for row, chance in zip(x, model.probabilities(x), strict=True):
        found = {name: bucket(BINS.edges[n], row[n]) for n, name in enumerate(NAMES)}
        margin = model.intercept + sum(model.weights[starts[n] + found[name]] for n, name in enumerate(NAMES))
        for n, (one, other) in enumerate(CROSSES, start=len(NAMES)):
            width = len(BINS.edges[NAMES.index(other)]) + 2
            margin += model.weights[starts[n] + found[one] * width + found[other]]
        assert chance == pytest.approx(1 / (1 + math.exp(-(0.9 * margin + 0.1))), rel=1e-12)


def test_the_parts_of_a_score_add_up_to_its_logit() -> None:
    model, x = card(), rows(50)
    p = model.probabilities(x)
    assert model.parts(x).shape == (50, len(PARTS))
    assert np.allclose(model.base + model.parts(x).sum(axis=1), np.log(p / (1 - p)))


def test_every_weight_is_the_weight_of_one_bucket() -> None:
    x = rows(3000)
    places = BINS.places(x)
    assert places.min() >= 0
    assert places.max() < BINS.size
    for n, start in enumerate(BINS.starts):
        assert set(places[:, n]) <= set(range(start, start + BINS.sizes[n]))


def test_an_edge_belongs_to_the_bucket_above_it() -> None:
    bins = Bins(tuple((0.0, 1.0) for _ in FEATURES))
    x = np.array([[value] * len(FEATURES) for value in (-0.1, 0.0, 0.9, 1.0, np.nan)])
    assert bins.buckets(x)[:, 0].tolist() == [0, 1, 1, 2, 3]


def test_a_model_that_was_written_and_read_says_the_same() -> None:
    model, x = card(), rows(20)
    read = load(model.dump())
    assert read is not None
    assert np.array_equal(read.probabilities(x), model.probabilities(x))
    assert (read.surfaces, read.category_price, read.as_of_ms) == (model.surfaces, {"c": 3.5}, 77)


def test_a_model_of_other_features_or_other_buckets_is_not_used() -> None:
    other = orjson.loads(card().dump())
    other["edges"]["moon"] = other["edges"].pop("hour")
    assert load(orjson.dumps(other)) is None
    fewer = orjson.loads(card().dump())
    fewer["weights"].pop()
    assert load(orjson.dumps(fewer)) is None


def test_answers_are_scored_at_one_place_and_surface_whatever_the_rows_say() -> None:
    model, x = card(), rows(30)
    moved = model.shown_at(x, "now")
    assert set(moved[:, POSITION]) == {0.0}
    assert set(moved[:, SURFACE]) == {1.0}
    others = [n for n in range(len(FEATURES)) if n not in (POSITION, SURFACE)]
    assert np.array_equal(moved[:, others], x[:, others], equal_nan=True)
    assert np.isnan(model.shown_at(x, "elsewhere")[:, SURFACE]).all()
    assert np.array_equal(surface_codes(("a", "b"), ["b", "c"]), [1.0, np.nan], equal_nan=True)


def test_a_past_holds_a_day_and_says_nothing_of_the_moment_itself() -> None:
    at = 10 * DAY_MS
    deeds = [
        Deed(at - DAY_MS - 1, "old", "c", "b", "s", 10.0),
        Deed(at - DAY_MS, "i", "c", "b", "s", 10.0),
        Deed(at - 1, "i", "c", "b", "", 40.0),
        Deed(at, "i", "c", "b", "s", 1000.0),
    ]
    known = past(deeds, [(at - 5, "i"), (at, "i")], at)
    columns = personal(known, Offered(["i"], ["c"], ["b"], ["s"], [20.0], [7.0]))
    row = [value for (value,) in columns]
    price, acted, category, brand, item, style, shown, hour, age = row
    assert price == pytest.approx(0.0)  # 20 is the geometric mean of 10 and 40
    assert (acted, category, brand, item, shown, hour, age) == (1, 1, 1, 1, 1, 0, 3)
    assert style == pytest.approx(1 / 3)


def test_psi_is_the_sum_over_buckets_and_nothing_for_what_has_not_moved() -> None:
    assert index(np.array([[50.0, 20.0], [50.0, 20.0]])) == pytest.approx(0.0)
    moved = index(np.array([[60.0, 30.0], [40.0, 70.0]]))
    assert moved == pytest.approx(0.3 * math.log(0.6 / 0.3) - 0.3 * math.log(0.4 / 0.7))
    assert math.isfinite(index(np.array([[10.0, 0.0], [0.0, 10.0]])))
    assert index(np.array([[0.0, 5.0], [0.0, 5.0]])) == 0.0


GOOD = Quality(1000, 100, 0.7, 0.30, 0.92, 1.02, 0.01)


@pytest.mark.parametrize(
    ("new", "live", "why"),
    [
        (GOOD, None, ""),
        (GOOD, dataclasses.replace(GOOD, log_loss=0.299), ""),
        (GOOD, dataclasses.replace(GOOD, log_loss=0.29), "the live model's 0.29000"),
        (dataclasses.replace(GOOD, normalized_entropy=0.996), None, "normalised entropy is 0.9960"),
        (dataclasses.replace(GOOD, calibration=1.3), None, "predicts 1.30 times"),
        (dataclasses.replace(GOOD, calibration=0.7), None, "predicts 0.70 times"),
    ],
)
def test_the_gate_says_why(new: Quality, live: Quality | None, why: str) -> None:
    said = refusal(new, live, 0.005, 1.01, 1.25)
    assert (why in said) if why else said == ""


def test_drift_is_one_line_that_names_what_has_moved_the_furthest_first() -> None:
    line = drift_line({"hour": 0.3, "acted": 0.5, "views_day": 0.1}, 0.05, 0.04, 0.2)
    assert line == "inputs moved (PSI > 0.2): acted 0.50, hour 0.30; click-through 0.0500 → 0.0400"
    assert "none" in drift_line({"hour": 0.1}, 0.05, 0.05, 0.2)


def test_entropy_of_a_rate_that_leaves_nothing_open_is_zero() -> None:
    assert entropy(0.5) == pytest.approx(math.log(2))
    assert entropy(0.0) == entropy(1.0) == 0.0
