"""The item-item model against EASE in closed form, and what Spark counts against a matrix product."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pyspark.sql import SparkSession

from batch.factors import Indexed, index
from batch.item_item import co_occurrences, forget, item_item, named
from common.artifacts import Artifacts
from common.config import ItemItemConfig

USERS, ITEMS = 120, 25


@pytest.fixture(scope="module")
def matrix() -> npt.NDArray[np.float64]:
    chance = np.random.default_rng(9)
    groups = chance.integers(0, 3, USERS)
    likely = np.where(groups[:, None] == np.arange(ITEMS) % 3, 0.5, 0.1)
    found = (chance.random((USERS, ITEMS)) < likely).astype(float)
    found[0] = 1  # every item has a user
    return found


@pytest.fixture(scope="module")
def data(spark: SparkSession, matrix: npt.NDArray[np.float64]) -> Indexed:
    rows = [(f"u{u:03}", f"i{i:02}", 1.0) for u, i in np.argwhere(matrix)]
    return index(spark.createDataFrame(rows, "user string, item string, strength double"))


def dense(rows: list[tuple[int, int, float]]) -> npt.NDArray[np.float64]:
    found = np.zeros((ITEMS, ITEMS))
    for row, item, value in rows:
        found[row, item] = value
    return found


def test_co_occurrences_are_the_matrix_product(data: Indexed, matrix: npt.NDArray[np.float64]) -> None:
    found = dense([tuple(row) for row in co_occurrences(data.rows).select("row", "item", "value").collect()])
    product = matrix.T @ matrix
    assert np.array_equal(found, product - np.diag(np.diag(product)))


def test_with_all_items_as_neighbours_it_is_ease(
    data: Indexed, matrix: npt.NDArray[np.float64], tmp_path: Path
) -> None:
    work = Artifacts(str(tmp_path), "together", str(tmp_path / "cache"))
    found = item_item(data, ItemItemConfig(ITEMS, 10.0), work, "1")
    weights = dense([tuple(row) for row in found.select("row", "item", "value").collect()])
    p = np.linalg.inv(matrix.T @ matrix + 10 * np.eye(ITEMS))
    ease = -p / np.diag(p)
    np.fill_diagonal(ease, 0)
    assert weights == pytest.approx(ease, abs=1e-5)
    (first,) = named(found, data.items).where("item = 'i03'").collect()
    best = int(np.argmax(ease[3]))
    assert first["neighbours"][0]["item"] == f"i{best:02}"
    assert first["neighbours"][0]["weight"] == pytest.approx(ease[3].max(), abs=1e-5)
    forget(work, "1")
    assert work.versions() == []


def test_few_neighbours_are_the_nearest_by_cosine_and_a_ridge_regression_on_them(
    data: Indexed, matrix: npt.NDArray[np.float64], tmp_path: Path
) -> None:
    work = Artifacts(str(tmp_path), "together", str(tmp_path / "cache"))
    found = item_item(data, ItemItemConfig(4, 3.0), work, "1").collect()
    lengths = np.linalg.norm(matrix, axis=0)
    cosine = matrix.T @ matrix / np.outer(lengths, lengths)
    for item in range(ITEMS):
        others = sorted((n for n in range(ITEMS) if n != item), key=lambda n: (-cosine[n, item], n))[:4]
        x = np.vstack([matrix[:, others], np.sqrt(3.0) * np.eye(4)])  # ridge as least squares on added rows
        expected = np.linalg.lstsq(x, np.append(matrix[:, item], np.zeros(4)), rcond=None)[0]
        got = {row["row"]: row["value"] for row in found if row["item"] == item}
        assert got == pytest.approx(dict(zip(others, expected, strict=True)), abs=1e-5)
