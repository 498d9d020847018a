"""The next-item model as served: what it answers with the weights that serve before any are fitted."""

import numpy as np

from common.models.next_item import SIGNALS
from common.models.next_item_fit import default_weights
from common.models.session_index import Build, build
from common.models.session_model import SessionModel

NAMES = np.array([b"a", b"b", b"c", b"d"])
SESSIONS = [[0, 1], [0, 1, 2], [2, 3]]


def model() -> SessionModel:
    offsets, items = np.cumsum([0, *map(len, SESSIONS)]), np.concatenate(SESSIONS)
    index = build(offsets, items, np.arange(3.0), len(NAMES), Build())
    return SessionModel("1", index, default_weights(), NAMES)


def test_without_a_fit_what_was_just_seen_does_not_lead() -> None:
    assert default_weights()[SIGNALS.index("again-1")] == 0
    assert {item for item, _ in model().candidates(["a"], 2).items} == {"b", "c"}


def test_what_neither_the_index_nor_a_fresh_session_knows_leads_nowhere() -> None:
    assert model().candidates(["new", "newer"], 5).items == []
    assert model().candidates(["new"], 5, [["x", "y"]]).items == []
    assert model().candidates(["new"], 5, [["new", "next"]]).items[0][0] == "next"
    assert model().candidates(["new", "a"], 5).items
    assert model().candidates([], 5).items
