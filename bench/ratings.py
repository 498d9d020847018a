"""Ratings of anyone's as training, validation and test: who liked what, split user by user.

In: Parquet with user_id, item_id, rating; likes are ratings of `LIKED` or more. With a column `timestamp` the newest
tenth of a user's likes is the test and the tenth before it the validation; without, tenths are drawn at random from
a seed. A column `fold` is not needed: folds that cut through all ratings leave some users without a test.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from common.errors import ConfigError

LIKED = 3
TRAIN, VALIDATION, TEST = 0, 1, 2
SHARES = (0.8, 0.9)  # where validation and test begin
NEEDED = ("user_id", "item_id", "rating")


def liked(file: Path, seed: int) -> pa.Table:
    """`user, item` (text) and `part` of every like; `ConfigError` in one line when the file holds none."""
    try:
        table = pq.read_table(file)
        ratings = np.asarray(table["rating"].to_numpy(), float)
        users, items = (np.asarray(table[name].cast(pa.string()).to_numpy(), str) for name in NEEDED[:2])
        order = _order(table, seed)
    except (KeyError, OSError, ValueError, pa.ArrowException):
        raise ConfigError(f"--ratings {file}: not ratings (Parquet with {', '.join(NEEDED)})") from None
    kept = ratings >= LIKED
    if not kept.any():
        raise ConfigError(f"--ratings {file}: no rating of {LIKED} or more")
    users, items, order = users[kept], items[kept], order[kept]
    return pa.table({"user": users, "item": items, "part": parts(users, order).astype(np.int8)})


def parts(users: npt.NDArray[np.str_], order: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The part of each row: its place among the rows of its user, by `order`, cut at `SHARES`."""
    _, user = np.unique(users, return_inverse=True)
    by_user = np.lexsort((order, user))
    counts = np.bincount(user)
    starts = np.cumsum(counts) - counts
    place = np.empty(len(users))
    place[by_user] = np.arange(len(users)) - starts[user[by_user]]
    return np.searchsorted(SHARES, (place + 0.5) / counts[user], side="right")


def _order(table: pa.Table, seed: int) -> npt.NDArray[np.float64]:
    if "timestamp" in table.column_names:
        return np.asarray(table["timestamp"].cast(pa.int64()).to_numpy(), float)
    drawn: npt.NDArray[np.float64] = np.random.default_rng(seed).random(table.num_rows)
    return drawn
