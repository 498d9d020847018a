"""Reads YAML files and `STYLESTREAM_…` variables into a `Config`, refusing whatever does not fit.

Order, later wins: `conf/reference.yaml`, the given file, environment (`STYLESTREAM_<SECTION>__<KEY>`).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import yaml
from pydantic import TypeAdapter, ValidationError

from common.config import Config
from common.errors import ConfigError

CONF_DIR = Path(__file__).resolve().parent.parent / "conf"
ENV_PREFIX = "STYLESTREAM_"
NOT_CONFIG = {"STYLESTREAM_DATA", "STYLESTREAM_CACHE", "STYLESTREAM_CONF"}


def load_config(file: str | Path | None = None, env: Mapping[str, str] | None = None) -> Config:
    """The configuration in force.

    `file` defaults to `conf/local.yaml`. Raises `ConfigError` with one line that names the file or
    variable, the key, and what is allowed there.
    """
    chosen = Path(file) if file is not None else CONF_DIR / "local.yaml"
    origin: dict[str, str] = {}
    tree = _read(CONF_DIR / "reference.yaml")
    _override(tree, _read(chosen), str(chosen), origin, "")
    _from_env(tree, os.environ if env is None else env, origin)
    return _validate(tree, origin, str(chosen))


def _read(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such configuration file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path}: must hold keys and values, e.g. 'lake_path: /data/lake'")
    return loaded


# Maps whose keys the user chooses: an override replaces or adds entries, and no key of theirs is unknown.
_OPEN = ("spark.conf",)
_REPLACED = ("weights",)


def _override(tree: dict[str, Any], change: dict[str, Any], source: str, origin: dict[str, str], at: str) -> None:
    for key, value in change.items():
        path = f"{at}{key}"
        if key not in tree and at.rstrip(".") not in _OPEN:
            known = ", ".join(sorted(map(str, tree)))
            raise ConfigError(f"{source}: unknown key '{path}'; allowed here: {known}")
        origin[path] = source
        if isinstance(tree.get(key), dict) and isinstance(value, dict) and key not in _REPLACED:
            _override(tree[key], value, source, origin, f"{path}.")
        else:
            tree[key] = value


def _from_env(tree: dict[str, Any], env: Mapping[str, str], origin: dict[str, str]) -> None:
    for name in sorted(env):
        if not name.startswith(ENV_PREFIX) or name in NOT_CONFIG:
            continue
        keys = [part.lower() for part in name.removeprefix(ENV_PREFIX).split("__")]
        change = _value(tree, keys, name, env[name])
        for key in reversed(keys):
            change = {key: change}
        _override(tree, change, f"environment variable {name}", origin, "")


def _value(tree: dict[str, Any], keys: list[str], name: str, text: str) -> Any:
    """The variable's text; where the key holds a list or a map, that text read as YAML."""
    target: Any = tree
    for key in keys:
        target = target.get(key) if isinstance(target, dict) else None
    if not isinstance(target, (list, dict)):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"environment variable {name}: not a YAML list or map, e.g. '[a, b]'") from None


def _validate(tree: dict[str, Any], origin: dict[str, str], file: str) -> Config:
    adapter = TypeAdapter(Config)
    try:
        return _consistent(adapter.validate_python(tree), origin, file)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        source = next((origin[p] for p in _prefixes(path) if p in origin), file)
        if first["type"] == "missing":
            raise ConfigError(f"{source}: key '{path}' is missing") from None
        if first["type"] == "unexpected_keyword_argument":
            raise ConfigError(f"{source}: unknown key '{path}'") from None
        message = f"{source}: '{path}' is {_shown(path, first['input'])}: {first['msg']}"
        raise ConfigError(message) from None


def _consistent(config: Config, origin: dict[str, str], file: str) -> Config:
    """What no single key shows: the rankings the API needs are there, and windows fit into what is kept."""
    source = next((origin[p] for p in ("rankings.definitions", "rankings.retention_hours") if p in origin), file)
    rankings = config.rankings
    names = [*(r.name for r in rankings.definitions), *(r.name for r in rankings.corrected)]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"{source}: 'rankings.definitions' has '{name}' {names.count(name)} times; once is enough"
            )
    for name, kind in (("views-1h", "window"), ("popular", "decay")):
        if not any((r.name, r.kind) == (name, kind) for r in rankings.definitions):
            raise ConfigError(f"{source}: 'rankings.definitions' needs '{name}' of kind {kind}: the API serves it")
    known = {ranking.name for ranking in rankings.definitions}
    for corrected in rankings.corrected:
        if corrected.of not in known:
            raise ConfigError(
                f"{source}: 'rankings.corrected' {corrected.name} is of '{corrected.of}'; there is no such"
            )
    if rankings.corrections.time_zone not in available_timezones():
        raise ConfigError(f"{file}: 'rankings.corrections.time_zone' is '{rankings.corrections.time_zone}': unknown")
    if wrong := config.recommend.surfaces.wrong_signals():
        raise ConfigError(f"{origin.get('recommend.surfaces', file)}: {wrong}")
    for name, (least, most) in (
        ("alpha", config.als.search.alpha),
        ("regularization", config.als.search.regularization),
    ):
        if least > most:
            raise ConfigError(f"{file}: 'als.search.{name}' is [{least:g}, {most:g}]: the smaller end comes first")
    longest = rankings.retention_hours * 30
    for ranking in rankings.definitions:
        if ranking.kind == "window" and ranking.minutes > longest:
            raise ConfigError(
                f"{source}: ranking '{ranking.name}' has a window of {ranking.minutes} minutes; with"
                f" 'rankings.retention_hours' {rankings.retention_hours} at most {longest} (half of it)"
            )
    return config


def _shown(path: str, value: object) -> str:
    secret = any(word in path for word in ("password", "key_sha256"))
    return "not shown" if secret else repr(value)[:80]


def _prefixes(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
