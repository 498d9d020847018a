"""What the live model was trained with, and where working copies of models are."""

import json
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter
from pyspark.sql import SparkSession

from batch import models, registry
from batch.registry import version_name
from common.artifacts import Artifacts
from common.config import Config
from common.config_models import AlsConfig, ItemItemConfig
from common.models.recommender import ModelStore

LEARNED = ("rank", "iterations", "regularization", "alpha", "share")


def live_parameters(spark: SparkSession, config: Config) -> AlsConfig | None:
    """The configuration's `als` with what the live model was trained with in place; None without a live model.

    A model from before there were item-item models was ALS alone.
    """
    live = models.live_version(config) or registry.live(spark, config)
    run = registry.find_run(spark, config, live) if live else None
    if run is None:
        return None
    noted = {"share": 1.0} | json.loads(run.parameters)
    own = TypeAdapter(ItemItemConfig).validate_python(noted.get("item_item", vars(config.als.item_item)))
    return replace(config.als, item_item=own, **{name: noted[name] for name in LEARNED})


def remove_leftovers(store: ModelStore, now: datetime) -> None:
    """Working copies that a run has left which was killed: those of a day before `now` and older."""
    first = version_name(now - timedelta(days=1))
    for version in {*store.factors.versions(), *store.item_item.versions()}:
        if version < first:
            store.remove(version)


def working_store(config: Config) -> ModelStore:
    """For models that are only judged; on storage that all executors see."""
    root, cache = f"{config.checkpoint_path.rstrip('/')}/als/models", Path(tempfile.gettempdir(), "stylestream-models")
    return ModelStore(Artifacts(root, "als", str(cache)), Artifacts(root, "als-item-item", str(cache)))
