"""Exposures of the past with what came of them and what was known at that moment: the click-through model's rows.

A row is labelled 1 when the same person clicked the item (or did more: `ctr.actions`) within `window_minutes` from the
exposure on, unless the action names another surface or place than the exposure's: then it came from there. Its features
are those of `common.views.ctr_features`, worked out a person at a time on the executors by the function that serves.
`deeds` is no feature: how many actions of the person the events have before the exposure.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby, product
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from batch.ctr_inputs import timeline, with_counts, with_product
from common.views.ctr_features import COUNTED, KEPT, POSITION, Deed, Offered, launch_day, matrix, past, personal

ROW = "event_id string, user string, item_id string, time_ms bigint, surface string, label int"
ROW += ", x array<double>, deeds int"
NAMES = [part.split()[0] for part in ROW.split(", ")]
TYPES = [pa.string(), pa.string(), pa.string(), pa.int64(), pa.string(), pa.int32(), pa.list_(pa.float64()), pa.int32()]

PLACE = ("item_id", "surface", "position")
MOST_SHOWN = 1000  # exposures of an item to one person: a bot's thousands teach no more
Table = dict[str, list[Any]]
Hits = dict[tuple[Any, ...], list[int]]  # `PLACE` → times, in order
Batches = Iterator[pa.RecordBatch]


class Label(NamedTuple):
    """What makes an exposure a positive one, and for how long."""

    actions: tuple[str, ...]
    window_ms: int


class Exposed(NamedTuple):
    """Where an exposure stands in the rows, its label, its past, and how much the person had done before in all."""

    row: int
    label: int
    own: tuple[float, ...]
    deeds: int


def exposures(
    events: DataFrame, changes: DataFrame | None, label: Label, late_minutes: int, since_ms: int, until_ms: int
) -> DataFrame:
    """`ROW` of the exposures from `since_ms` to before `until_ms`.

    In: events that count once, from a day before `since_ms` on; changes of the catalogue, if there are any. An exposure
    whose window is not over must not be asked for: whether it is clicked is not known yet.
    """
    rows = timeline(events, late_minutes)
    shown = F.col("event_type") == "exposure"
    asked = shown & F.col("time_ms").between(since_ms, until_ms - 1)
    counted = with_counts(rows.where(asked), events)
    others = rows.where(~asked)
    both = counted.unionByName(others, allowMissingColumns=True)
    by_person = with_product(both, changes).repartition("user").sortWithinPartitions("user", "time_ms", "event_id")
    return by_person.mapInArrow(_of_people(label), ROW)


def _of_people(label: Label) -> Callable[[Batches], Batches]:
    """Whole people at a time, many in a batch: a call a person would cost more than the work."""

    def rows(batches: Batches) -> Batches:
        rest: pa.Table | None = None
        for batch in batches:
            part = pa.Table.from_batches([batch])
            table = part if rest is None else pa.concat_tables([rest, part])
            unfinished = pc.index(table["user"], table["user"][-1]).as_py()
            yield from labelled(table.slice(0, unfinished), label).to_batches()
            rest = table.slice(unfinished)
        if rest is not None:
            yield from labelled(rest, label).to_batches()

    return rows


def labelled(table: pa.Table, label: Label) -> pa.Table:
    """Rows by person in order of time → the exposures asked for: those with counts."""
    columns: Table = {name: table[name].to_pylist() for name in table.column_names}
    people = groupby(range(table.num_rows), key=columns["user"].__getitem__)
    found = [one for _, rows in people for one in _walk(columns, list(rows), label)]
    at = [one.row for one in found]
    counts = np.array([[columns[name][n] for name in COUNTED] for n in at], float).reshape(len(at), len(COUNTED))
    prices = np.array([columns["price"][n] or np.nan for n in at], float)
    priced = np.array([columns["priced"][n] or np.nan for n in at], float)
    sums = np.array([columns["log_prices"][n] for n in at], float)
    x = matrix([one.own for one in found], counts, np.log(prices), sums / priced)
    x[:, POSITION] = [columns["position"][n] or 0.0 for n in at]
    texts = [[columns[name][n] for n in at] for name in ("event_id", "user", "item_id", "time_ms", "surface")]
    values = [*texts, [one.label for one in found], x.tolist(), [one.deeds for one in found]]
    return pa.table([pa.array(value, kind) for value, kind in zip(values, TYPES, strict=True)], NAMES)


def _walk(columns: Table, rows: list[int], label: Label) -> list[Exposed]:
    """Label and personal features of each exposure asked for among the rows of one person."""
    kinds, times = columns["event_type"], columns["time_ms"]
    acts = [n for n in rows if kinds[n] != "exposure"]
    deeds = [_deed(columns, n) for n in acts]
    seen = [(times[n], columns["item_id"][n]) for n in rows if kinds[n] == "exposure"]
    deed_times, seen_times = [deed.time_ms for deed in deeds], [time for time, _ in seen]
    hits: Hits = {}
    for n in acts:
        if kinds[n] in label.actions:
            hits.setdefault(tuple(columns[name][n] for name in PLACE), []).append(times[n])
    found = []
    for n in _asked(columns, rows):
        before, known = bisect_left(deed_times, times[n]), bisect_left(seen_times, times[n])
        kept = deeds[max(0, before - KEPT) : before], seen[max(0, known - KEPT) : known]
        own = tuple(column[0] for column in personal(past(*kept, times[n]), _offered(columns, n)))
        place = tuple(columns[name][n] for name in PLACE)
        found.append(Exposed(n, int(_clicked(hits, place, times[n], label.window_ms)), own, before))
    return found


def _asked(columns: Table, rows: list[int]) -> list[int]:
    """The exposures asked for, of each item the newest `MOST_SHOWN`."""
    taken: Counter[str] = Counter()
    kept = []
    for n in reversed(rows):
        if columns["event_type"][n] == "exposure" and columns["shop_exposures"][n] is not None:
            taken[columns["item_id"][n]] += 1
            if taken[columns["item_id"][n]] <= MOST_SHOWN:
                kept.append(n)
    return kept[::-1]


def _clicked(hits: Hits, shown: tuple[Any, ...], time_ms: int, window_ms: int) -> bool:
    """Whether an action on the item that names no other surface or position came within the window."""
    item, surface, position = shown
    for named in product({None, "", surface}, {None, "", position}):
        times = hits.get((item, *named), [])
        at = bisect_left(times, time_ms)
        if at < len(times) and times[at] - time_ms <= window_ms:
            return True
    return False


def _deed(columns: Table, n: int) -> Deed:
    names = ("time_ms", "item_id", "category", "brand", "style", "price")
    time_ms, item, category, brand, style, price = (columns[name][n] for name in names)
    return Deed(time_ms, item, category, brand or "", style or "", price or 0.0)


def _offered(columns: Table, n: int) -> Offered:
    names = ("item_id", "category", "brand", "style", "price", "launch_date")
    item, category, brand, style, price, launch = (columns[name][n] for name in names)
    return Offered([item], [category], [brand or ""], [style or ""], [price or 0.0], [launch_day(launch)])
