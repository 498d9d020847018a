"""UCI e-shop clothing 2008 as events. Enters: Parquet or CSV with the columns of `TYPES`. The stated rules:

- A row is a click on a product's page: a `view` on `behavior` with event_id 'ec-<row number, from 0>'.
- session ID → session_id (there are no users); page 2 → item_id; page 1 → category (1 trousers, 2 skirts,
  3 blouses, 4 sale); price in USD as it is; colour, location, photography and page → `properties`.
- The file has a date and the order in the session but no clock. A session begins at a second of its day
  that a hash of its id gives (0 to 79,199), and its row with order n is 30 n seconds later; all rows are
  then sorted by this time, rows of the same second in the file's order.
- Catalogue records (title 'trousers A13', median price) go first. Nothing else is invented.
"""

from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from local.datasets.columns import constant, member, nested, numbered, objects, read_table, times
from local.datasets.source import BATCH_ROWS, Clock, Dataset, Record, Times, catalog_record, medians

NAME = "eshop-clothing"
SESSION, CATEGORY, MODEL = "session ID", "page 1 (main category)", "page 2 (clothing model)"
PHOTO = "model photography"
NUMBERS = ("year", "month", "day", "order", SESSION, CATEGORY, "colour", "location", PHOTO, "price", "page")
TYPES = {**{name: pa.int64() for name in NUMBERS}, MODEL: pa.large_string()}
CATEGORIES = {1: "trousers", 2: "skirts", 3: "blouses", 4: "sale"}
STARTS_WITHIN_SECONDS = 79_200
STEP_SECONDS = 30


def load(path: Path) -> Dataset:
    """The whole file; `ConfigError` when it is not what `TYPES` says."""
    table = read_table(path, TYPES, NAME)
    millis = _millis(table)
    order = np.argsort(millis, kind="stable")
    table = table.take(order).append_column("row", pa.array(order)).append_column("ms", pa.array(millis[order]))
    catalog = _articles(table)
    first, last = (int(millis[order[n]]) for n in (0, -1)) if len(order) else (0, 0)

    def records(clock: Clock) -> Iterator[Record]:
        at_ms = int(clock(np.array([first]))[0])
        yield from (catalog_record(first, at_ms, n, article) for n, article in enumerate(catalog))
        parts = (table.slice(n, BATCH_ROWS).combine_chunks() for n in range(0, table.num_rows, BATCH_ROWS))
        yield from chain.from_iterable(map(partial(_records, clock=clock), parts))

    return Dataset(NAME, table.num_rows + len(catalog), len(catalog), first, last, records)


def start_second(session: NDArray[np.int64]) -> NDArray[np.int64]:
    """The second of the day at which a session begins: Knuth's multiplicative hash of its id."""
    hashed = (session.astype(np.uint64) * np.uint64(2_654_435_761)) % np.uint64(2**32)
    second: NDArray[np.int64] = (hashed % np.uint64(STARTS_WITHIN_SECONDS)).astype(np.int64)
    return second


def _millis(table: pa.Table) -> Times:
    year, month, day = (table[name].to_numpy() for name in ("year", "month", "day"))
    months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    days = (months.astype("datetime64[D]") + (day - 1)).astype(np.int64)
    second = start_second(table[SESSION].to_numpy()) + STEP_SECONDS * table["order"].to_numpy()
    millis: Times = (days * 86_400 + second) * 1000
    return millis


def _articles(table: pa.Table) -> list[dict[str, Any]]:
    codes = pc.dictionary_encode(table[MODEL]).combine_chunks()
    ids: list[str] = codes.dictionary.to_pylist()
    prices = medians(codes.indices.to_numpy().astype(np.int64), table["price"].to_numpy().astype(float), len(ids))
    pairs = table.group_by([MODEL]).aggregate([(CATEGORY, "min")]).to_pylist()
    category = {row[MODEL]: _category(row[f"{CATEGORY}_min"]) for row in pairs}
    return [
        {"item_id": item, "title": f"{category[item]} {item}", "category": category[item], "price": price}
        for item, price in sorted(zip(ids, prices, strict=True))
    ]


def _category(number: int) -> str:
    return CATEGORIES.get(number, "other")


def _records(part: pa.Table, clock: Clock) -> Iterator[Record]:
    millis = part["ms"].to_numpy()
    session = part[SESSION].cast(pa.large_string())
    photo = member("photography", part[PHOTO])
    properties = [member(name, part[name]) for name in ("colour", "location", "page")]
    values = objects(
        [
            numbered("event_id", "ec-", part["row"].to_numpy()),
            constant("event_type", "view", part.num_rows),
            times("event_time", clock(millis)),
            member("session_id", session),
            member("item_id", part[MODEL]),
            member("category", part[CATEGORY], _category),
            member("price", part["price"]),
            nested("properties", [*properties, photo]),
        ]
    )
    topics = ["behavior"] * part.num_rows
    yield from map(Record, millis.tolist(), topics, session.to_pylist(), values.to_pylist())
