"""Ratings become parts user by user, the judge of `implicit` counts as the batch job's, and bad files are refused."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.als import measure
from bench.ratings import TEST, TRAIN, VALIDATION, liked
from bench.stack import Ask
from common.config_load import load_config
from common.errors import ConfigError


def ratings(folder: Path, **more: list[Any]) -> Path:
    """Twenty users with twenty ratings each, half of them likes."""
    rows = {"user_id": [n // 20 for n in range(400)], "item_id": [n % 20 for n in range(400)]}
    pq.write_table(pa.table(rows | {"rating": [1 + 2 * (n % 2) for n in range(400)]} | more), folder / "r.parquet")
    return folder / "r.parquet"


def test_every_user_has_eight_one_and_one_of_ten_likes(tmp_path: Path) -> None:
    found = liked(ratings(tmp_path), 7).to_pandas()
    counts = found.groupby(["user", "part"]).size().unstack()
    assert counts.to_numpy().tolist() == [[8, 1, 1]] * 20
    assert found["item"].astype(int).mod(2).eq(1).all()
    assert liked(ratings(tmp_path), 7).equals(liked(ratings(tmp_path), 7))
    assert not liked(ratings(tmp_path), 7).equals(liked(ratings(tmp_path), 8))


def test_with_times_the_newest_are_the_test(tmp_path: Path) -> None:
    times = [1000 - n for n in range(400)]
    found = liked(ratings(tmp_path, timestamp=times), 7).to_pandas()
    items = {part: set(rows["item"]) for part, rows in found.groupby("part")}
    assert (items[TEST], items[VALIDATION]) == ({"1"}, {"3"})
    assert "19" in items[TRAIN]


@pytest.mark.parametrize("column", ["user_id", "item_id", "rating"])
def test_a_file_without_ratings_is_refused_in_one_line(tmp_path: Path, column: str) -> None:
    file = tmp_path / "other.parquet"
    pq.write_table(pq.read_table(ratings(tmp_path)).drop_columns([column]), file)
    with pytest.raises(ConfigError, match="not ratings"):
        liked(file, 7)
    file.write_bytes(b"no parquet")
    with pytest.raises(ConfigError, match="not ratings"):
        liked(file, 7)
    with pytest.raises(ConfigError, match="no rating of 3 or more"):
        liked(ratings(tmp_path, rating=[1] * 400), 7)


def test_without_a_file_the_section_is_skipped_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STYLESTREAM_DATA", raising=False)
    said: list[str] = []
    assert measure(Ask(load_config(env={}), True, False, None, said.append)) == []
    file = "movielens_1m_folds.parquet"
    assert said == [f"als: skipped, for no ratings are given (--ratings FILE, or {file} in STYLESTREAM_DATA)"]


def test_the_judge_of_implicit_is_the_formula() -> None:
    from bench.implicit_als import ndcg

    sparse = pytest.importorskip("scipy.sparse")
    wanted = sparse.csr_matrix(np.array([[1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]]))
    lists = {0: [2, 1, 0, 3], 2: [0, 1, 2, 3]}

    def recommend(users: Any, *_: Any, **__: Any) -> tuple[np.ndarray, None]:
        return np.array([lists[int(user)] for user in users]), None

    found = ndcg(SimpleNamespace(recommend=recommend), wanted, wanted, wanted)
    first = (1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    assert found == pytest.approx((first + 1 / np.log2(3)) / 2)
