"""What the live model was trained with, and where working copies of models are."""

import json
import tempfile
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter
from pyspark.sql import SparkSession

from batch import registry
from common.artifacts import Artifacts
from common.config import AlsConfig, Config, ItemItemConfig
from common.models.recommender import ModelStore

LEARNED = ("rank", "iterations", "regularization", "alpha", "share")


def live_parameters(spark: SparkSession, config: Config) -> AlsConfig | None:
    """The configuration's `als` with what the live model was trained with in place; None without a live model.

    A model from before there were item-item models was ALS alone.
    """
    served = registry.lived(registry.moves(spark, config))
    for run in registry.runs(spark, config):
        if served and run.version == served[-1]:
            noted = {"share": 1.0} | json.loads(run.parameters)
            own = TypeAdapter(ItemItemConfig).validate_python(noted.get("item_item", vars(config.als.item_item)))
            return replace(config.als, item_item=own, **{name: noted[name] for name in LEARNED})
    return None


def working_store(config: Config) -> ModelStore:
    """For models that are only judged; on storage that all executors see."""
    root, cache = f"{config.checkpoint_path.rstrip('/')}/als/models", Path(tempfile.gettempdir(), "stylestream-models")
    return ModelStore(Artifacts(root, "als", str(cache)), Artifacts(root, "als-item-item", str(cache)))
