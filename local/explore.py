"""What the notebooks stand on: the configuration, SQL over the lake without Spark, answers as the API gives them.

Everything only reads. What is not there yet is a `NotThereError`: Jupyter shows its one line instead of a stack trace,
and no later cell runs.
"""

import dataclasses
import os
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import TableNotFoundError
from redis.exceptions import RedisError

from common.config import Config
from common.config_load import CONF_DIR, load_config
from common.errors import ConfigError, StylestreamError, UnavailableError
from common.redis_client import redis_target
from common.sources.lake import table_path
from serving.app import create_app

ROOT = CONF_DIR.parent
CONF = "STYLESTREAM_CONF"
HINT = (
    f"run `make demo` first and let it run, or let {CONF} name the configuration of a shop that has run"
    " (notebooks/README.md)"
)


class NotThereError(StylestreamError):
    """Something that the notebook cannot go on without, and what to do about it."""

    def _render_traceback_(self) -> list[str]:
        """IPython asks an exception for this before it draws a stack trace."""
        return [str(self)]


def configuration(*tables: str, redis: bool = False) -> Config:
    """The configuration that STYLESTREAM_CONF names, else conf/local.yaml.

    Relative paths are taken from the project's folder, where `make` runs, not from the notebook's. `NotThereError`
    when the configuration does not fit, one of `tables` is not in the lake yet, or Redis is asked for and
    not up.
    """
    named = os.environ.get(CONF)
    try:
        config = load_config(ROOT / named if named else None)
    except ConfigError as error:
        raise NotThereError(str(error)) from None
    config = dataclasses.replace(config, state_dir=_from_root(config.state_dir), lake_path=_from_root(config.lake_path))
    for name in tables:
        _table(config, name)
    if redis:
        try:
            with redis_target(config).connect() as client:
                client.ping()
        except (UnavailableError, RedisError):
            raise NotThereError(f"Redis (redis.url; embedded: in {config.state_dir}) does not answer: {HINT}") from None
    return config


def written(config: Config, name: str) -> bool:
    """Whether the lake has this table yet."""
    return bool(DeltaTable.is_deltatable(table_path(config, name)))


def query(config: Config, sql: str, *tables: str) -> pd.DataFrame:
    """The answer of `sql` (DataFusion's dialect) over Delta tables of the lake, each under its own name.

    Aggregates and filters run where the files are read, so that only the answer is held in memory. Times are in
    UTC, with zone. `NotThereError` when one of `tables` has not been written yet.
    """
    engine = QueryBuilder()
    for name in tables:
        engine = engine.register(name, _table(config, name))
    return pa.table(engine.execute(sql).read_all()).to_pandas()


async def answer(config: Config, path: str, **parameters: Any) -> Any:
    """What the shop's API answers to GET `path` at this moment, e.g. `/v1/rankings/popular`.

    It runs inside this process, on the shop's Redis: no server has to be up, and what is shown is what
    customers get. `NotThereError` with the API's own message when it answers with an error.
    """
    inside = dataclasses.replace(config.serving, api_keys=[], host="127.0.0.1")  # nobody else can reach it
    app = create_app(dataclasses.replace(config, serving=inside))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client,
    ):
        given = await client.get(path, params=parameters)
    if given.status_code != 200:
        raise NotThereError(f"{path}: {given.json()['error']['message']}; {HINT}")
    return given.json()


def _table(config: Config, name: str) -> DeltaTable:
    try:
        return DeltaTable(table_path(config, name))
    except TableNotFoundError:
        raise NotThereError(f"the lake {config.lake_path} has no table '{name}' yet: {HINT}") from None


def _from_root(path: str) -> str:
    return path if "://" in path else str(ROOT / Path(path))
