"""Each notebook runs from its first to its last cell on a small shop, and shows what the events themselves say."""

import json
import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from batch import als, facts
from batch.fused import fused_items, fused_users
from batch.tables import append
from common.config import Config
from common.facts.item import item_facts
from common.facts.once import once_in_batch
from common.facts.user import user_facts
from common.redis_client import redis_target
from common.schemas import QUARANTINE as QUARANTINE_SCHEMA
from common.sinks.redis_facts import STREAM, write_facts
from common.sources.lake import EVENTS, QUARANTINE
from tests.lake_events import START, event, lake_events, planted

EXTRA = "the notebooks' packages are not installed: pip install -e '.[notebooks]'"
nbformat = pytest.importorskip("nbformat", reason=EXTRA)
nbclient = pytest.importorskip("nbclient", reason=EXTRA)
for package in ("ipykernel", "matplotlib", "deltalake"):
    pytest.importorskip(package, reason=EXTRA)

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("events", "rankings", "recommendations")
PLANTED = planted(3, 25, 12, 7, seed=2)  # one a minute
END = len(PLANTED) - 1
AT_END = START + timedelta(minutes=END)
LATE = event(9_001, "view", END - 10, "u0-0", "i0-0", category="i0", price=10.0, ingest_time=AT_END)
COPY = PLANTED[0] | {"offset": 9_002, "ingest_time": AT_END}
REFUSED = (b"{", "", "not a JSON object", "lake", "behavior", 0, 1, AT_END, AT_END.date())


def conf_file(folder: Path, config: Config) -> Path:
    """The configuration as somebody who runs a shop writes it down."""
    tree = {
        **{name: getattr(config, name) for name in ("state_dir", "lake_path", "checkpoint_path")},
        "redis": {"url": redis_target(config).url, "prefix": config.redis.prefix},
        "kafka": {"bootstrap_servers": "127.0.0.1:1"},  # a notebook only reads: it needs no broker
    }
    file = folder / "shop.yaml"
    file.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, platform: Config, spark: SparkSession) -> Path:
    """A lake, facts in Redis and a published model; the configuration that leads to them."""
    folder = tmp_path_factory.mktemp("notebooks")
    config = replace(
        platform,
        als=replace(platform.als, rank=6, iterations=3, candidates=8),
        redis=replace(platform.redis, prefix="notebooks"),
        lake_path=str(folder / "lake"),
        checkpoint_path=str(folder / "checkpoints"),
    )
    append(lake_events(spark, [*PLANTED, LATE, COPY]), config, EVENTS, "date")
    append(spark.createDataFrame([REFUSED], QUARANTINE_SCHEMA), config, QUARANTINE, "date")
    once = once_in_batch(lake_events(spark, [*PLANTED, LATE]))
    write_facts(fused_items(item_facts(once)), config, STREAM)
    write_facts(fused_users(user_facts(once)), config, STREAM)
    assert facts.run(spark, config).status == "done"
    assert als.run(spark, config).status == "done"
    return conf_file(folder, config)


def execute(name: str, conf: Path, last: str = "") -> Any:
    """The notebook with its outputs, run by a kernel of its own; the cell `last` is added at its end."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    if last:
        notebook.cells.append(nbformat.v4.new_code_cell(last))
    given = {name: value for name, value in os.environ.items() if not name.startswith("STYLESTREAM_")}
    environment = given | {
        "STYLESTREAM_CONF": str(conf),
        "PYTHONPATH": str(ROOT),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    where = {"metadata": {"path": str(ROOT / "notebooks")}}
    nbclient.NotebookClient(notebook, timeout=120, resources=where).execute(env=environment)
    return notebook


def said(notebook: Any) -> Any:
    """The JSON that the last cell printed."""
    return json.loads("".join(output.text for output in notebook.cells[-1].outputs if output.output_type == "stream"))


def plots(notebook: Any) -> int:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def test_events_are_counted_once_and_late_and_refused_ones_shown(shop: Path) -> None:
    shown = "[by_hour.sum().to_dict(), late.T.to_dict(), refused.to_dict('list')]"
    last = f"import json\nprint(json.dumps({shown}, default=str))"
    notebook = execute("events", shop, last)
    by_type, late, refused = said(notebook)
    assert by_type == Counter(row["event_type"] for row in [*PLANTED, LATE])
    assert {name: counts["too late"] for name, counts in late.items()} == {"purchase": 0, "view": 1}
    assert sum(counts["in time"] for counts in late.values()) == len(PLANTED)
    assert (refused["reason"], refused["records"]) == (["not a JSON object"], [1])
    assert plots(notebook) == 3


def test_rankings_of_redis_and_delta_are_the_closed_formula(shop: Path) -> None:
    last = "print(pd.concat(compared)[['item_id', 'redis', 'delta']].reset_index().to_json(orient='values'))"
    notebook = execute("rankings", shop, last)
    views: Counter[str] = Counter()
    decayed: Counter[str] = Counter()
    for row in [*PLANTED, LATE]:
        age = END - (row["event_time"] - START) // timedelta(minutes=1)
        views[row["item_id"]] += row["event_type"] == "view" and age < 60
        decayed[row["item_id"]] += {"view": 1, "purchase": 12}[row["event_type"]] * 2.0 ** (-age / 1440)
    expected = {"views-1h": {item: n for item, n in views.items() if n}, "popular": decayed}
    for name, scores in expected.items():
        rows = [(item, redis, delta) for ranking, _, item, redis, delta in said(notebook) if ranking == name]
        assert {item: redis for item, redis, _ in rows} == pytest.approx(dict(scores))
        assert {item: delta for item, _, delta in rows} == pytest.approx(dict(scores))
    assert plots(notebook) == 2


def test_recommendations_explain_themselves_and_similar_items_share_a_group(shop: Path) -> None:
    shown = "given, reasons.sum(axis=1).tolist(), item, similar['item'].head(6).tolist(), len(shown)"
    last = f"print(json.dumps([{shown}]))"
    notebook = execute("recommendations", shop, last)
    answer, sums, item, similar, versions = said(notebook)
    assert answer["fallback"] is None
    assert sums == pytest.approx([one["score"] for one in answer["items"]])
    assert similar[0] == item
    assert {name.split("-")[0] for name in similar} == {item.split("-")[0]}
    assert versions == 1
    assert plots(notebook) == 4


@pytest.mark.parametrize("name", NAMES)
def test_without_a_shop_the_first_cell_says_in_one_line_what_to_do(tmp_path: Path, name: str) -> None:
    conf = tmp_path / "empty.yaml"
    conf.write_text(yaml.safe_dump({"state_dir": str(tmp_path), "lake_path": str(tmp_path / "lake")}), encoding="utf-8")
    with pytest.raises(nbclient.exceptions.CellExecutionError) as caught:
        execute(name, conf)
    assert caught.value.ename == "NotThereError"
    assert "run `make demo` first" in caught.value.evalue
    assert "\n" not in caught.value.evalue
    assert "Traceback" not in caught.value.traceback
