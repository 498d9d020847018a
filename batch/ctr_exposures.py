"""Exposures of the past with what came of them and what was known at that moment: the click-through model's rows.

A row is labelled 1 when the same person clicked the item (or did more: cart, wish, purchase) within `window_minutes`
from the exposure on. Its features are those of `common.views.ctr_features`, worked out a person at a time on
the executors by the function that serves.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.ctr_inputs import timeline, with_counts, with_product
from common.views.ctr_features import COUNTED, KEPT, POSITION, Deed, Offer, launch_day, matrix, past, personal

POSITIVE = ("click", "cart_add", "wish_add", "purchase")
ROW = "event_id string, user string, item_id string, time_ms bigint, surface string, label int, x array<double>"
NAMES = [part.split()[0] for part in ROW.split(", ")]
TYPES = [pa.string(), pa.string(), pa.string(), pa.int64(), pa.string(), pa.int32(), pa.list_(pa.float64())]

Table = dict[str, list[Any]]


class Exposed(NamedTuple):
    """Where an exposure stands in its person's rows, its label and its past."""

    row: int
    label: int
    own: tuple[float, ...]


def exposures(
    events: DataFrame, changes: DataFrame | None, window_minutes: int, late_minutes: int, since_ms: int, until_ms: int
) -> DataFrame:
    """`ROW` of the exposures from `since_ms` to before `until_ms`.

    In: events that count once, from a day before `since_ms` on; changes of the catalogue, if there are any. An exposure
    whose `window_minutes` are not over must not be asked for: whether it is clicked is not known yet.
    """
    rows = with_product(timeline(events, late_minutes), changes)
    shown = F.col("event_type") == "exposure"
    asked = shown & F.col("time_ms").between(since_ms, until_ms - 1)
    counted = with_counts(rows.where(asked), events)
    others = rows.where(~asked)
    both = counted.unionByName(others, allowMissingColumns=True)
    return both.groupBy("user").applyInArrow(_of_person(window_minutes * 60_000), ROW)


def _of_person(window_ms: int) -> Callable[[pa.Table], pa.Table]:
    def rows(table: pa.Table) -> pa.Table:
        order = [("time_ms", "ascending"), ("event_id", "ascending")]
        return labelled(table.sort_by(order), window_ms)

    return rows


def labelled(table: pa.Table, window_ms: int) -> pa.Table:
    """One person's rows in order of time → the exposures asked for: those with counts."""
    columns: Table = {name: table[name].to_pylist() for name in table.column_names}
    found = list(_walk(columns, window_ms))
    at = [one.row for one in found]
    counts = np.array([[columns[name][n] for name in COUNTED] for n in at], float).reshape(len(at), len(COUNTED))
    prices = np.array([columns["price"][n] or np.nan for n in at], float)
    priced = np.array([columns["priced"][n] or np.nan for n in at], float)
    sums = np.array([columns["log_prices"][n] for n in at], float)
    x = matrix([one.own for one in found], counts, np.log(prices), sums / priced)
    x[:, POSITION] = [columns["position"][n] for n in at]
    texts = [[columns[name][n] for n in at] for name in ("event_id", "user", "item_id", "time_ms", "surface")]
    values = [*texts, [one.label for one in found], x.tolist()]
    return pa.table([pa.array(value, kind) for value, kind in zip(values, TYPES, strict=True)], NAMES)


def _walk(columns: Table, window_ms: int) -> list[Exposed]:
    """Label and personal features of each exposure asked for."""
    rows = range(len(columns["time_ms"]))
    kinds, times = columns["event_type"], columns["time_ms"]
    acts = [n for n in rows if kinds[n] != "exposure"]
    deeds = [_deed(columns, n) for n in acts]
    seen = [(times[n], columns["item_id"][n]) for n in rows if kinds[n] == "exposure"]
    deed_times, seen_times = [deed.time_ms for deed in deeds], [time for time, _ in seen]
    hits: dict[str, list[int]] = {}
    for n in acts:
        if kinds[n] in POSITIVE:
            hits.setdefault(columns["item_id"][n], []).append(times[n])
    found = []
    for n in rows:
        if kinds[n] == "exposure" and columns["shop_exposures"][n] is not None:
            before, known = bisect_left(deed_times, times[n]), bisect_left(seen_times, times[n])
            kept = deeds[max(0, before - KEPT) : before], seen[max(0, known - KEPT) : known]
            own = personal(past(*kept, times[n]), [_offer(columns, n)])[0]
            clicks = hits.get(columns["item_id"][n], [])
            first, last = bisect_left(clicks, times[n]), bisect_right(clicks, times[n] + window_ms)
            found.append(Exposed(n, int(last > first), own))
    return found


def _deed(columns: Table, n: int) -> Deed:
    names = ("time_ms", "item_id", "category", "brand", "style", "price")
    time_ms, item, category, brand, style, price = (columns[name][n] for name in names)
    return Deed(time_ms, item, category, brand or "", style or "", price or 0.0)


def _offer(columns: Table, n: int) -> Offer:
    names = ("item_id", "category", "brand", "style", "price", "launch_date")
    item, category, brand, style, price, launch = (columns[name][n] for name in names)
    return Offer(item, category, brand or "", style or "", price or 0.0, launch_day(launch))
