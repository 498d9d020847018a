"""Rows of people come in batches that know nothing of people: what comes out is the same however they are cut."""

import random
from typing import Any

import pyarrow as pa
import pytest

from batch.ctr_exposures import MOST_SHOWN, Label, _of_people, labelled
from common.views.ctr_features import COUNTED

LABEL = Label(("click", "cart_add"), 60_000)
COUNTS = {**dict.fromkeys(COUNTED, 1.0), "log_prices": 3.0, "priced": 2.0}


def people(seed: int) -> pa.Table:
    """A hundred people's rows, by person in order of time."""
    chance, rows = random.Random(seed), []
    for person in range(100):
        time_ms = 0
        for n in range(chance.randrange(1, 30)):
            time_ms += chance.randrange(1, 100_000)
            shown = chance.random() < 0.4
            row: dict[str, Any] = {"event_id": f"{person}-{n}", "user": f"u{person:03d}", "time_ms": time_ms}
            row |= {"event_type": "exposure" if shown else chance.choice(["click", "view"]), "category": "c"}
            row |= {"item_id": f"i{chance.randrange(5)}", "price": 5.0, "surface": "home", "position": 1.0}
            row |= {
                "brand": "b",
                "style": "s",
                "launch_date": "1969-12-30",
                **(COUNTS if shown else dict.fromkeys(COUNTS)),
            }
            rows.append(row)
    return pa.Table.from_pylist(rows)


def readable(tables: list[pa.Table]) -> list[tuple[str, int, str]]:
    """What can be compared: NaN is not equal to itself."""
    return [(row["event_id"], row["label"], repr(row["x"])) for table in tables for row in table.to_pylist()]


@pytest.mark.parametrize("rows_a_batch", [1, 7, 64, 10_000])
def test_a_batch_may_end_anywhere(rows_a_batch: int) -> None:
    table = people(1)
    whole = readable([labelled(table, LABEL)])
    batches = _of_people(LABEL)(iter(table.to_batches(max_chunksize=rows_a_batch)))
    assert readable([pa.Table.from_batches([batch]) for batch in batches]) == whole
    assert 0 < sum(label for _, label, _ in whole) < len(whole)


def test_one_person_alone_gets_the_same_rows() -> None:
    table = people(2)
    by_person = [table.filter(pa.compute.equal(table["user"], f"u{n:03d}")) for n in range(100)]
    assert readable([labelled(one, LABEL) for one in by_person]) == readable([labelled(table, LABEL)])


def test_without_rows_there_are_none() -> None:
    assert list(_of_people(LABEL)(iter([]))) == []


@pytest.mark.parametrize(
    ("kind", "after_ms", "surface", "position", "label"),
    [
        ("click", 0, "", None, 1),
        ("click", 60_000, "home", 1.0, 1),
        ("click", 60_001, "home", 1.0, 0),
        ("click", 5, "search", 1.0, 0),
        ("click", 5, "home", 2.0, 0),
        ("cart_add", 5, "", None, 1),
        ("view", 5, "", None, 0),
    ],
)
def test_an_action_counts_in_time_and_unless_it_names_another_place(
    kind: str, after_ms: int, surface: str, position: float | None, label: int
) -> None:
    product = {"item_id": "i", "category": "c", "price": 5.0, "brand": "", "style": "", "launch_date": None}
    base = {"user": "u", "time_ms": 1000, "surface": "home", "position": 1.0, **product}
    shown = base | {"event_id": "1", "event_type": "exposure", **COUNTS}
    action = base | {"event_id": "2", "event_type": kind, **dict.fromkeys(COUNTS), "time_ms": 1000 + after_ms}
    rows = [shown, action | {"surface": surface, "position": position}]
    assert labelled(pa.Table.from_pylist(rows), LABEL)["label"].to_pylist() == [label]


def test_of_very_many_exposures_of_one_item_to_one_person_the_newest_count() -> None:
    product = {"item_id": "i", "category": "c", "price": 5.0, "brand": "", "style": "", "launch_date": None}
    base = {"user": "u", "event_type": "exposure", "surface": "home", "position": 1.0, **product, **COUNTS}
    table = pa.Table.from_pylist([base | {"event_id": f"{n}", "time_ms": n} for n in range(MOST_SHOWN + 100)])
    assert labelled(table, LABEL)["time_ms"].to_pylist() == list(range(100, MOST_SHOWN + 100))
