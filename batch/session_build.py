"""Builds one version of the session index from an Arrow stream of all sessions, in one task, and judges it.

Only a version that passes the gate (`batch.session_gate`) is written; the driver sees its figures either way.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from batch.session_gate import judge, rival_of
from common.artifacts import Artifacts, Version
from common.config_models import SessionsConfig
from common.errors import UnavailableError
from common.models.next_item_fit import Sessions, fit

FIGURES = "sessions bigint, items bigint, metrics string, refusal string"


def build(
    batches: Iterator[pa.RecordBatch],
    store: Artifacts,
    version: str,
    about: dict[str, Any],
    config: SessionsConfig,
    live: str = "",
) -> Iterator[pa.RecordBatch]:
    """Fits on all sessions, `time, items` oldest first, judges beside the version `live`, and writes one version if it
    passes; `FIGURES`, if there is a session."""
    parts = [batch for batch in batches if batch.num_rows]
    if not parts:
        return
    table = pa.Table.from_batches(parts)
    found, names = coded(table)
    beside = opened(store, live)
    model = fit(found, rival=rival_of(beside))
    verdict = judge(model.judged, names, beside, config)
    note = {"chosen": str(model.chosen), "found": model.found, "until": float(found.times[-1]), **verdict.metrics}
    if not verdict.refusal:
        arrays = {"names": names, "ranking": model.weights, **model.index.arrays()}
        store.write(version, [arrays], about | note)
    yield pa.record_batch(
        {
            "sessions": pa.array([table.num_rows], pa.int64()),
            "items": pa.array([len(names)], pa.int64()),
            "metrics": [orjson.dumps(note).decode()],
            "refusal": [verdict.refusal],
        }
    )


def opened(store: Artifacts, version: str) -> Version | None:
    """A version's arrays; None without one, or where it has vanished or is damaged."""
    try:
        return store.open(version) if version else None
    except (UnavailableError, OSError, ValueError, KeyError):
        return None


def coded(table: pa.Table) -> tuple[Sessions, npt.NDArray[np.bytes_]]:
    """The sessions with items as numbers, and the items' names, UTF-8, sorted: number n is the n-th."""
    items = table["items"].combine_chunks()
    words = items.flatten().dictionary_encode()
    names = np.array([name.encode() for name in words.dictionary.to_pylist()])
    order = np.argsort(names, kind="stable")
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    lengths = items.value_lengths().to_numpy(zero_copy_only=False)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    flat = number[words.indices.to_numpy(zero_copy_only=False)]
    return Sessions(offsets, flat, table["time"].to_numpy(), len(order)), names[order]
