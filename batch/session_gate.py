"""Whether a session index may go live: beside popularity, and beside the live one, on the same held-out questions.

Both gates ask what an index answers to the newest 8 % of the sessions when it knows the older ones only
(`common.models.next_item_fit`):

- it must be surely better than popularity: (wins - losses) / √(wins + losses), a win being a question that it alone
  answers, a loss one that popularity alone answers (McNemar 1947), is a z. Chance, such as an index of shuffled
  sessions, does not get there, however few the questions
- of the questions that the live one answers it must answer `min_recall_to_live`; what is within two standard errors of
  that is noise. The live index itself is asked where it ends before the questions begin. A newer one has learned from
  them: then its way to build and to weigh is tried on the same older sessions (docs/adr/0016, docs/adr/0017)
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from common.artifacts import Version
from common.config_models import SessionsConfig
from common.errors import UnavailableError
from common.models.next_item import SIGNALS
from common.models.next_item_fit import ENOUGH, LENGTH, Bools, Judged, Rival
from common.models.session_model import SessionModel

NOISE = 2.0  # standard errors


@dataclass(frozen=True)
class Verdict:
    """`metrics` for the table of runs; `refusal` is empty where the index may go live."""

    metrics: dict[str, Any]
    refusal: str


def rival_of(live: Version | None) -> Rival | None:
    """How the live version was built and weighed; None without one that this release's signals fit."""
    if live is None or len(live.arrays.get("ranking", ())) != len(SIGNALS):
        return None
    return Rival(str(live.about.get("chosen", "")), np.asarray(live.arrays["ranking"]))


def judge(
    judged: Judged | None, names: npt.NDArray[np.bytes_], live: Version | None, config: SessionsConfig
) -> Verdict:
    """Whether the index may go live. `names` are its items in the order of their numbers."""
    if judged is None:
        if live is None or not live.about.get("questions"):
            return Verdict({"questions": 0}, "")
        return Verdict({"questions": 0}, f"fewer than {ENOUGH} questions to judge it by, and the live one was judged")
    itself = _live_answers(judged, names, live)
    theirs = judged.rival if itself is None else itself
    ours, popular = judged.ours, judged.popularity
    metrics = {
        "questions": len(ours),
        "recall": _rounded(ours),
        "popularity": _rounded(popular),
        "z": round(z(ours, popular), 2),
        "live": None if theirs is None else _rounded(theirs),
        "live_asked": "-" if theirs is None else "its weights" if itself is None else "itself",
    }
    return Verdict(metrics, refusal(ours, popular, theirs, config))


def refusal(ours: Bools, popular: Bools, theirs: Bools | None, config: SessionsConfig) -> str:
    """Why the gate does not let it pass; empty when it does."""
    asked = f"of {len(ours)} held-out questions"
    if not popular.all() and z(ours, popular) < config.min_z_over_popularity:
        return (
            f"Recall@{LENGTH} is {ours.mean():.4f}, of popularity {popular.mean():.4f}, {asked}: {z(ours, popular):.1f}"
            f" standard errors above it, must be at least {config.min_z_over_popularity:g}"
            " (sessions.min_z_over_popularity)"
        )
    if theirs is not None and _less(ours, theirs, config.min_recall_to_live):
        return (
            f"Recall@{LENGTH} is {ours.mean():.4f}, of the live one {theirs.mean():.4f}, {asked}: must be at least"
            f" {config.min_recall_to_live:g} times that (sessions.min_recall_to_live)"
        )
    return ""


def z(ours: Bools, theirs: Bools) -> float:
    """McNemar's, positive where ours are more; 0 where both answer the same questions."""
    wins, losses = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return (wins - losses) / math.sqrt(wins + losses) if wins + losses else 0.0


def _less(ours: Bools, theirs: Bools, share: float) -> bool:
    differ = math.sqrt(int((ours != theirs).sum()))
    return int(ours.sum()) + NOISE * differ < share * int(theirs.sum())


def _live_answers(judged: Judged, names: npt.NDArray[np.bytes_], live: Version | None) -> Bools | None:
    """What the live index itself answers; None where it may have learned from the questions."""
    if live is None or not live.about.get("until", math.inf) < judged.since:
        return None
    try:
        model = SessionModel.of(live.version, live.arrays)
    except UnavailableError:
        return None
    texts = [name.decode() for name in names.tolist()]
    hits = []
    for seen, target in zip(judged.asked.seen, judged.asked.target, strict=True):
        answer = model.candidates([texts[item] for item in seen], LENGTH)
        hits.append(texts[target] in {item for item, _ in answer.items})
    return np.array(hits)


def _rounded(hits: Bools) -> float:
    return round(float(hits.mean()), 4)
