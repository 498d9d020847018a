"""ALS of the package `implicit` on the same likes, for the ratio of time and quality.

It is given the same rank and iterations, and a small grid of its own: its regularisation is not weighted by the
number of ratings, so other values suit it. Time is of the training that was chosen, alone.
"""

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bench.ratings import TEST, TRAIN, VALIDATION
from bench.report import Row, ratio, row
from bench.stack import Ask
from common.config_models import AlsConfig

K = 10
REGULARIZATION = (10.0, 30.0, 100.0)
ALPHA = (1.0, 2.0, 4.0)
SEED = 7


def measure_implicit(ask: Ask, likes: pa.Table, als: AlsConfig, our_seconds: float, our_ndcg: float) -> list[Row]:
    """Rows beside ours; none, and a line, where the package is not installed."""
    try:
        from implicit.als import AlternatingLeastSquares
        from scipy.sparse import csr_matrix
        from threadpoolctl import threadpool_limits
    except ImportError:
        ask.say("als: no comparison with 'implicit', which is not installed (pip install 'stylestream[bench]')")
        return []
    users, items, part = _places(likes)
    shape = int(users.max()) + 1, int(items.max()) + 1
    train, validation, test = (
        csr_matrix((np.ones((part == n).sum(), np.float32), (users[part == n], items[part == n])), shape)
        for n in (TRAIN, VALIDATION, TEST)
    )

    def fitted(regularization: float, alpha: float) -> Any:
        options = {"factors": als.rank, "iterations": als.iterations, "random_state": SEED}
        model = AlternatingLeastSquares(regularization=regularization, alpha=alpha, **options)
        with threadpool_limits(1, "blas"):  # it has threads of its own
            model.fit(train, show_progress=False)
        return model

    tried = []
    for regularization in REGULARIZATION:
        for alpha in ALPHA:
            found = ndcg(fitted(regularization, alpha), train, train, validation)
            ask.say(f"implicit: regularization {regularization:g}, alpha {alpha:g}, ndcg {found:.5f}")
            tried.append((found, regularization, alpha))
    _, regularization, alpha = max(tried)
    began = time.monotonic()
    model = fitted(regularization, alpha)
    seconds = time.monotonic() - began
    theirs = ndcg(model, train, train + validation, test)
    return [
        row("als", "implicit: nDCG@10", theirs, ""),
        row("als", "implicit: training", seconds, "s"),
        row("als", "ALS over implicit: nDCG@10", ratio(our_ndcg, theirs), "ratio"),
        row("als", "ALS over implicit: training time", ratio(our_seconds, seconds), "ratio"),
    ]


def ndcg(model: Any, train: Any, seen: Any, wanted: Any) -> float:
    """nDCG@10 (as `batch.evaluate`) over the users with something in `wanted`."""
    users = np.flatnonzero(np.diff(wanted.indptr))
    recommended, _ = model.recommend(users, seen[users], N=K, filter_already_liked_items=True)
    discounts = 1 / np.log2(np.arange(2, K + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])
    gains = []
    for user, row_of in zip(users, recommended, strict=True):
        of_user = wanted.indices[wanted.indptr[user] : wanted.indptr[user + 1]]
        gains.append(float(np.isin(row_of, of_user) @ discounts[: len(row_of)] / ideal[min(len(of_user), K)]))
    return float(np.mean(gains))


def _places(likes: pa.Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    users, items = (np.unique(np.asarray(likes[n].to_numpy(), str), return_inverse=True)[1] for n in ("user", "item"))
    return users, items, likes["part"].to_numpy()
