"""UCI Online Retail as events. Enters: Parquet or CSV with the columns of `TYPES`. The stated rules:

- A row is one event with event_id 'or-<row number in the file, from 0>', in order of InvoiceDate (taken as
  UTC), rows of the same minute in the file's order.
- An InvoiceNo that starts with 'C' is a cancellation: a `refund` on `orders` with quantity |Quantity|.
  Every other row is a `purchase` on `behavior` with Quantity and UnitPrice as they are: a quantity below 1
  and a negative price are refused by the platform's own rules and end in quarantine, counted.
- No CustomerID: no user_id. session_id and order_id are always InvoiceNo. Country goes to `properties`.
- An article's title is its commonest Description (ties: first in the alphabet). Its category is the last
  word of the title, letters only, lower case, if at least 20 articles share it, else 'other'. Its price in
  the catalogue is the median UnitPrice above 0.
- Catalogue records go first. Nothing is invented; `with_views` adds, on demand, a `view` with event_id
  'orv-<row>' just before each purchase row, so that view rankings have something to show.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from common.errors import ConfigError
from local.datasets.columns import constant, member, nested, numbered, objects, read_table, times
from local.datasets.source import BATCH_ROWS, Clock, Dataset, Record, catalog_record, medians

NAME = "online-retail"
TYPES = {
    "InvoiceNo": pa.large_string(),
    "StockCode": pa.large_string(),
    "Description": pa.large_string(),
    "Quantity": pa.int64(),
    "InvoiceDate": pa.timestamp("ms"),
    "UnitPrice": pa.float64(),
    "CustomerID": pa.int64(),
    "Country": pa.large_string(),
}
ARTICLES_A_CATEGORY = 20
OTHER = "other"


def load(path: Path, with_views: bool = False) -> Dataset:
    """The whole file; `ConfigError` when it is not what `TYPES` says."""
    table = complete(read_table(path, TYPES, NAME), path)
    millis = table["InvoiceDate"].cast(pa.int64()).to_numpy()
    order = np.argsort(millis, kind="stable")
    table = table.take(order).append_column("row", pa.array(order)).append_column("ms", pa.array(millis[order]))
    catalog = articles(table)
    category = {article["item_id"]: article["category"] for article in catalog}
    cancelled = int(pc.sum(pc.starts_with(table["InvoiceNo"], "C")).as_py() or 0)
    views = table.num_rows - cancelled if with_views else 0
    first, last = (int(millis[order[n]]) for n in (0, -1)) if len(order) else (0, 0)

    def records(clock: Clock) -> Iterator[Record]:
        at_ms = int(clock(np.array([first]))[0])
        yield from (catalog_record(first, at_ms, n, article) for n, article in enumerate(catalog))
        convert = partial(_records, category=category, clock=clock, with_views=with_views)
        yield from chain.from_iterable(map(convert, _slices(table)))

    return Dataset(NAME, table.num_rows + len(catalog) + views, len(catalog), first, last, records)


def complete(table: pa.Table, path: Path) -> pa.Table:
    """Missing ids as empty text, which the platform's rules refuse; a missing time cannot be replayed."""
    if table["InvoiceDate"].null_count:
        raise ConfigError(f"{path}: InvoiceDate is missing in {table['InvoiceDate'].null_count} rows")
    for name in ("InvoiceNo", "StockCode"):
        table = table.set_column(table.column_names.index(name), name, pc.fill_null(table[name], ""))
    return table


def articles(table: pa.Table) -> list[dict[str, Any]]:
    """The catalogue by the rules above, in order of item_id."""
    codes = pc.dictionary_encode(table["StockCode"]).combine_chunks()
    ids: list[str] = codes.dictionary.to_pylist()
    prices = medians(codes.indices.to_numpy().astype(np.int64), table["UnitPrice"].to_numpy(), len(ids))
    titles = _titles(table)
    words = {item: _last_word(titles.get(item, "")) for item in ids}
    shared = Counter(words.values())
    return [
        {
            "item_id": item,
            "title": titles.get(item, item),
            "category": words[item] if words[item] and shared[words[item]] >= ARTICLES_A_CATEGORY else OTHER,
            "price": price,
        }
        for item, price in sorted(zip(ids, prices, strict=True))
        if item
    ]


def _titles(table: pa.Table) -> dict[str, str]:
    counted = table.group_by(["StockCode", "Description"]).aggregate([([], "count_all")])
    best: dict[str, tuple[int, str]] = {}
    for row in counted.to_pylist():
        title = (row["Description"] or "").strip()
        if title:
            candidate = (-row["count_all"], title)
            best[row["StockCode"]] = min(best.get(row["StockCode"], candidate), candidate)
    return {item: title for item, (_, title) in best.items()}


def _last_word(title: str) -> str:
    words = title.split()
    return re.sub(r"[^a-z]", "", words[-1].lower()) if words else ""


def _slices(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, BATCH_ROWS):
        yield table.slice(start, BATCH_ROWS).combine_chunks()


def _records(part: pa.Table, category: dict[str, str], clock: Clock, with_views: bool) -> Iterator[Record]:
    millis = part["ms"].to_numpy()
    invoice = part["InvoiceNo"].to_pylist()
    cancelled = [number.startswith("C") for number in invoice]
    values = _events(part, category, clock(millis), np.array(cancelled)).to_pylist()
    users = part["CustomerID"].to_pylist()
    keys = [number if user is None else str(user) for number, user in zip(invoice, users, strict=True)]
    topics = ["orders" if refund else "behavior" for refund in cancelled]
    rows = map(Record, millis.tolist(), topics, keys, values)
    if not with_views:
        yield from rows
        return
    for record, view in zip(rows, _views(part, category, clock(millis)).to_pylist(), strict=True):
        if record.topic == "behavior":
            yield record._replace(value=view)
        yield record


def _events(part: pa.Table, category: dict[str, str], event_ms: Any, cancelled: Any) -> Any:
    quantity = part["Quantity"].to_numpy()
    amounts = pa.array(np.where(cancelled, np.abs(quantity), quantity))
    types = pa.array(np.where(cancelled, "refund", "purchase"))
    ids = numbered("event_id", "or-", part["row"].to_numpy())
    shared = _shared(part, category, event_ms)
    bought = [member("quantity", amounts), member("order_id", part["InvoiceNo"])]
    return objects([ids, member("event_type", types), *shared, *bought])


def _views(part: pa.Table, category: dict[str, str], event_ms: Any) -> Any:
    kind = constant("event_type", "view", part.num_rows)
    return objects([numbered("event_id", "orv-", part["row"].to_numpy()), kind, *_shared(part, category, event_ms)])


def _shared(part: pa.Table, category: dict[str, str], event_ms: Any) -> list[Any]:
    return [
        times("event_time", event_ms),
        member("user_id", part["CustomerID"], lambda user: None if user is None else str(user)),
        member("session_id", part["InvoiceNo"]),
        member("item_id", part["StockCode"]),
        member("category", part["StockCode"], category.get),
        member("price", part["UnitPrice"]),
        nested("properties", [member("country", part["Country"])]),
    ]
