"""The order in which a run leaves its traces, so that one that ends in between, or runs beside it, does no harm."""

from datetime import datetime, timezone
from typing import Any
from unittest.mock import MagicMock

import pytest

from batch import als, facts, models, registry
from common.config_load import load_config

CONFIG = load_config(env={})
NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)
SPARK: Any = None


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a training does, in order; it is good enough unless `refused` is set before."""
    steps: list[str] = []
    judged = MagicMock(als={"light": 1}, blended=True)
    judged.metrics.return_value = {"published": "als", "als": {"ndcg": 0.2}, "popularity": {"ndcg": 0.1}}
    judged.refusal.side_effect = lambda *_: "too little" if "refused" in steps else ""
    strengths = MagicMock()
    strengths.persist.return_value = strengths
    strengths.agg.return_value.collect.return_value = [(20, 20, 400)]
    monkeypatch.setattr(als, "F", MagicMock())
    monkeypatch.setattr(als, "interactions", lambda *_: strengths)
    monkeypatch.setattr(als, "als_drift", MagicMock(counts=lambda _: {}, moved=lambda *_: {}))
    monkeypatch.setattr(als.factors, "use_checkpoints", lambda *_: None)
    monkeypatch.setattr(als, "_judge", lambda *_: (CONFIG.als, judged, []))
    monkeypatch.setattr(als, "_save", lambda *_: steps.append("saved"))
    monkeypatch.setattr(registry, "runs", lambda *_: [])
    monkeypatch.setattr(registry, "record", lambda _spark, _config, run: steps.append(f"noted as {run.status}"))
    monkeypatch.setattr(registry, "set_status", lambda *given: steps.append(f"noted as {given[3]}"))
    for name in ("publish", "serve_new", "retire"):
        monkeypatch.setattr(models, name, lambda *_, name=name: steps.append(name))
    return steps


def train() -> str:
    given = MagicMock(as_of_ms=0, actions=400, started=NOW, events_version=1)
    return als._train(SPARK, CONFIG, given).status


def test_a_training_is_noted_before_it_is_saved_and_kept_before_it_is_live(done: list[str]) -> None:
    """Arrays that no run is known to have are removed by a run beside it; a live version that is not kept could be
    neither promoted nor gone back to."""
    assert train() == "done"
    assert done == ["noted as trained", "saved", "publish", "noted as published", "serve_new", "retire"]


def test_a_refused_training_is_noted_and_saves_nothing(done: list[str]) -> None:
    done.append("refused")
    assert (train(), done) == ("refused", ["refused", "noted as refused"])


@pytest.mark.parametrize(
    ("merged", "status", "says"),
    [
        (True, "done", "events version 7, horizon 2026-03-01T00:00Z"),
        (False, "refused", "not merged: horizon 2026-03-01T00:00Z of the lake is older than the one that stands in"),
    ],
)
def test_a_merge_that_is_refused_is_not_called_done(
    monkeypatch: pytest.MonkeyPatch, merged: bool, status: str, says: str
) -> None:
    monkeypatch.setattr(facts, "exists", lambda *_: True)
    monkeypatch.setattr(facts, "newest_version", lambda *_: 7)
    monkeypatch.setattr(facts, "changed_dates", lambda *_: set())
    monkeypatch.setattr(facts, "took_back", lambda *_: False)
    monkeypatch.setattr(facts, "read_events", lambda *_: None)
    monkeypatch.setattr(facts, "horizon_minute", lambda *_: int(NOW.timestamp()) // 60)
    monkeypatch.setattr(facts, "merge", lambda *_: merged)
    outcome = facts.run(SPARK, CONFIG)
    assert outcome.status == status
    assert says in outcome.message
