"""Reads a dataset's file and writes JSON from its columns, vectorised over Arrow.

A column becomes an array of JSON members (`"price":2.55`), made once for each *different* value; rows are
the members joined. Missing values leave no member. A column of half a million rows has a few thousand
different values, so the Python work is small: ten times as fast as a dictionary a row.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from common.errors import ConfigError

Convert = Callable[[Any], Any]
US_TIME = "%m/%d/%Y %H:%M"  # as in UCI's CSV export


def read_table(path: Path, types: dict[str, pa.DataType], dataset: str) -> pa.Table:
    """The named columns of a Parquet or CSV file (by its extension), with these types.

    `ConfigError` in one line when the file is missing, unreadable, or lacks a column.
    """
    if not path.is_file():
        raise ConfigError(
            f"{path}: no such file; dataset '{dataset}' needs a .parquet or .csv file with {_names(types)}"
        )
    try:
        table = _csv(path, types) if path.suffix.lower() == ".csv" else parquet.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{path}: cannot be read as {path.suffix or 'Parquet'}: {reason}") from None
    missing = [name for name in types if name not in table.column_names]
    if missing:
        found = ", ".join(table.column_names)
        raise ConfigError(f"{path}: dataset '{dataset}' needs columns {_names(types)}; found: {found}")
    try:
        return table.select(list(types)).cast(pa.schema(list(types.items()))).combine_chunks()
    except pa.ArrowInvalid as error:
        raise ConfigError(f"{path}: a column has the wrong type: {str(error).splitlines()[0]}") from None


def _names(types: dict[str, pa.DataType]) -> str:
    return ", ".join(types)


def _csv(path: Path, types: dict[str, pa.DataType]) -> pa.Table:
    with path.open("rb") as file:
        separator = ";" if b";" in file.readline() else ","
    # an integer with gaps is often written as 17850.0: read as a number, cast later
    read_as = {name: _read_as(kind) for name, kind in types.items()}
    return csv.read_csv(
        path,
        parse_options=csv.ParseOptions(delimiter=separator),
        convert_options=csv.ConvertOptions(
            column_types=read_as, timestamp_parsers=[csv.ISO8601, US_TIME], strings_can_be_null=True
        ),
    )


def _read_as(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind):
        return pa.float64()
    return pa.timestamp("us") if pa.types.is_timestamp(kind) else kind


def member(name: str, column: Any, convert: Convert = lambda value: value) -> Any:
    """JSON members `"name":value`, null where the value is missing or `convert` gives None."""
    encoded = pc.dictionary_encode(column)
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    head = orjson.dumps(name) + b":"
    values = [convert(value) for value in encoded.dictionary.to_pylist()]
    members = [None if value is None else head + orjson.dumps(value) for value in values]
    return pa.array(members, pa.large_binary()).take(encoded.indices)


def constant(name: str, value: object, rows: int) -> Any:
    """The same member in every row."""
    return pa.repeat(pa.scalar(orjson.dumps(name) + b":" + orjson.dumps(value), pa.large_binary()), rows)


def numbered(name: str, prefix: str, rows: NDArray[np.int64]) -> Any:
    """Members `"name":"<prefix><row>"`."""
    return _quoted(orjson.dumps(name) + b':"' + prefix.encode(), pa.array(rows).cast(pa.large_string()))


def times(name: str, millis: NDArray[np.int64]) -> Any:
    """Members with RFC 3339 times in UTC to the millisecond."""
    text = pc.strftime(pa.array(millis, pa.timestamp("ms", "UTC")), format="%Y-%m-%dT%H:%M:%SZ")
    return _quoted(orjson.dumps(name) + b':"', text.cast(pa.large_string()))


def nested(name: str, members: list[Any]) -> Any:
    """A member that holds an object of members."""
    return _joined([_bytes(orjson.dumps(name) + b":"), objects(members)])


def objects(members: list[Any]) -> Any:
    """One JSON object a row."""
    inside = pc.binary_join_element_wise(*members, _bytes(b","), null_handling="skip")
    return _joined([_bytes(b"{"), inside, _bytes(b"}")])


def _quoted(head: bytes, text: Any) -> Any:
    return _joined([_bytes(head), text.cast(pa.large_binary()), _bytes(b'"')])


def _joined(parts: list[Any]) -> Any:
    return pc.binary_join_element_wise(*parts, _bytes(b""))


def _bytes(value: bytes) -> Any:
    return pa.scalar(value, pa.large_binary())
