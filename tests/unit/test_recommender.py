"""The model in memory: blended scores against the formulas written out, ids found again, versions opened."""

from pathlib import Path

import numpy as np
import pytest

from common.artifacts import Artifacts
from common.errors import UnavailableError
from common.models.fold_in import FoldIn
from common.models.item_item import Rows
from common.models.recommender import History, ModelStore, Recommender

CHANCE = np.random.default_rng(3)
ITEMS = 50
FACTORS = CHANCE.normal(size=(ITEMS, 6)).astype(np.float32)
WEIGHTS = np.where(CHANCE.random((ITEMS, ITEMS)) < 0.2, CHANCE.normal(size=(ITEMS, ITEMS)), 0).astype(np.float32)
NAMES = sorted((f"옷-{n}" for n in range(ITEMS)), key=lambda name: name.encode())
HAD, STRENGTHS = np.array([4, 17, 30]), np.array([1.0, 2.0, 0.5])


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    store = ModelStore(*(Artifacts(str(tmp_path), name, str(tmp_path / "cache")) for name in ("als", "item-item")))
    ids = np.array([name.encode() for name in NAMES], "S8")
    about = {"alpha": 2.0, "regularization": 0.1, "share": 0.3}
    store.factors.write("1", [{"ids": ids, "factors": FACTORS}], about)
    rows, items = np.nonzero(WEIGHTS)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=ITEMS))])
    store.item_item.write("1", [{"starts": starts, "items": items, "values": WEIGHTS[rows, items]}])
    return store


def history(*excluded: int) -> History:
    return History(HAD, STRENGTHS, np.array(excluded, int))


def expected(share: float) -> np.ndarray:
    by_als = FACTORS.astype(float) @ FoldIn(FACTORS, 2.0, 0.1).user(HAD, STRENGTHS)
    if share == 1:
        return by_als
    others = np.setdiff1d(np.arange(ITEMS), HAD)
    scores = np.zeros(ITEMS)
    for part, raw in ((share, by_als), (1 - share, WEIGHTS[HAD].astype(float).sum(axis=0))):
        scores += part * (raw - raw[others].mean()) / raw[others].std()
    return scores


@pytest.mark.parametrize("share", [None, 0.0, 0.7, 1.0])
def test_scores_are_the_blend_of_both_brought_to_one_scale(store: ModelStore, share: float | None) -> None:
    model = store.open("1", share)
    found = model.scores([history(), history()])
    assert found[0] == pytest.approx(expected(0.3 if share is None else share), abs=1e-5)
    assert np.array_equal(found[0], found[1])


def test_the_best_are_in_order_without_the_excluded(store: ModelStore) -> None:
    first, *order = np.argsort(-expected(0.3)).tolist()
    order.remove(7)
    model = store.open("1")
    ((places, scores),) = model.best([history(first, 7)], 10)
    assert places.tolist() == order[:10]
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
    ((all_places, _),) = model.best([history(first, 7)], 1000)
    assert len(all_places) == ITEMS - 2


def test_ids_are_found_and_unknown_ones_are_left_out(store: ModelStore) -> None:
    model = store.open("1")
    assert model.names(model.places(NAMES)) == NAMES
    assert model.places(["unknown", "", "옷", NAMES[-1], "zz"]).tolist() == [ITEMS - 1]
    assert model.places([]).tolist() == []
    assert model.known(["unknown", NAMES[3], NAMES[3] + "-and-more", NAMES[1]])[0] == [NAMES[3], NAMES[1]]


def test_a_longer_id_has_no_ids_copied(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    model, widths = store.open("1"), []
    found = np.searchsorted
    monkeypatch.setattr(np, "searchsorted", lambda ids, wanted: widths.append(wanted.dtype) or found(ids, wanted))
    assert model.places(["x" * 64, NAMES[0]]).tolist() == [0]
    assert widths == [model.ids.dtype]


def test_als_alone_needs_no_item_item_model_and_a_version_that_vanished_is_said(store: ModelStore) -> None:
    store.item_item.remove("1")
    assert isinstance(store.open("1", 1.0), Recommender)
    with pytest.raises(UnavailableError, match="no version '1' of item-item"):
        store.open("1")
    store.remove("1")
    with pytest.raises(UnavailableError, match="no version '1' of als"):
        store.open("1")


def test_rows_of_a_sparse_matrix_are_added() -> None:
    rows = Rows(np.array([0, 2, 2, 3]), np.array([0, 2, 1]), np.array([1.0, 2.0, 5.0]))
    assert rows.added(np.array([0, 1, 2])).tolist() == [1.0, 5.0, 2.0]
    assert rows.added(np.array([1])).tolist() == [0.0, 0.0, 0.0]
    assert rows.added(np.array([], int)).tolist() == [0.0, 0.0, 0.0]
