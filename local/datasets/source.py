"""What a dataset adapter gives: records in event-time order, the catalogue's first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

Times = NDArray[np.int64]
Clock = Callable[[Times], Times]
BATCH_ROWS = 20_000


class Record(NamedTuple):
    """`time_ms` is the time in the file (epoch ms, UTC), whatever clock the value was written with."""

    time_ms: int
    topic: str
    key: str
    value: bytes


@dataclass(frozen=True)
class Dataset:
    """`records` takes a clock from times in the file to event times (identity = kept) and streams `count`
    records, of which the first `articles` are catalogue change records."""

    name: str
    count: int
    articles: int
    first_ms: int
    last_ms: int
    records: Callable[[Clock], Iterator[Record]]


def kept(times: Times) -> Times:
    """The clock that changes nothing."""
    return times


def catalog_record(time_ms: int, at_ms: int, lsn: int, article: dict[str, Any]) -> Record:
    """A snapshot record (op 'r') for an article, in Debezium's envelope."""
    source = {"ts_ms": at_ms, "lsn": at_ms * 1000 + lsn}
    envelope = {"op": "r", "before": None, "after": {**article, "status": "active"}, "source": source}
    return Record(time_ms, "catalog", article["item_id"], orjson.dumps(envelope))


def medians(codes: NDArray[np.int64], values: NDArray[np.float64], groups: int) -> list[float | None]:
    """Median of the positive values of each group; None where there is none."""
    positive = values > 0
    codes, values = codes[positive], values[positive]
    order = np.lexsort((values, codes))
    codes, values = codes[order], values[order]
    starts = np.searchsorted(codes, np.arange(groups))
    ends = np.searchsorted(codes, np.arange(groups), side="right")
    return [round(float(np.median(values[a:b])), 4) if b > a else None for a, b in zip(starts, ends, strict=True)]
