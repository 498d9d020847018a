"""Reads YAML files and `STYLESTREAM_…` variables into a `Config`, refusing whatever does not fit.

Order, later wins: `conf/reference.yaml`, the given file, environment (`STYLESTREAM_<SECTION>__<KEY>`).
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from common.config import Config
from common.config_rules import contradictions
from common.config_types import ONE_LINE
from common.errors import ConfigError
from common.kubernetes import made_by_kubernetes
from common.plain_yaml import read_yaml, what_is_wrong

CONF_DIR = Path(__file__).resolve().parent.parent / "conf"
ENV_PREFIX = "STYLESTREAM_"
VARIABLE = "environment variable "  # how a message names that kind of source
SECRETS = ("password", "username", "key_sha256", "url", "secret", "token")  # keys whose values no message shows
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
        loaded = read_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such configuration file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {what_is_wrong(error)}") from None
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
        before, origin[path] = origin.get(path, ""), source
        if isinstance(tree.get(key), dict) and isinstance(value, dict) and key not in _REPLACED:
            _override(tree[key], value, source, origin, f"{path}.")
        elif before.startswith(VARIABLE):  # names differ by case, or one names a section with the other's key
            raise ConfigError(f"{before} and {source} both give '{path}': give it once")
        else:
            tree[key] = value


def _from_env(tree: dict[str, Any], env: Mapping[str, str], origin: dict[str, str]) -> None:
    for name in sorted(env):
        if not name.startswith(ENV_PREFIX) or name in NOT_CONFIG or made_by_kubernetes(name, env[name]):
            continue
        keys = [part.lower() for part in name.removeprefix(ENV_PREFIX).split("__")]
        change = _value(tree, keys, name, env[name])
        for key in reversed(keys):
            change = {key: change}
        _override(tree, change, f"{VARIABLE}{name}", origin, "")


def _value(tree: dict[str, Any], keys: list[str], name: str, text: str) -> Any:
    """The variable's text; where the key holds a list or a map, that text read as YAML."""
    target: Any = tree
    for key in keys:
        target = target.get(key) if isinstance(target, dict) else None
    if not isinstance(target, (list, dict)):
        return text
    try:
        return read_yaml(text)
    except yaml.YAMLError as error:
        problem = error.problem if isinstance(error, yaml.constructor.ConstructorError) else ""
        said = problem or "not a YAML list or map, e.g. '[a, b]'"
        raise ConfigError(f"{VARIABLE}{name}: {said}") from None


def _validate(tree: dict[str, Any], origin: dict[str, str], file: str) -> Config:
    try:
        config = _adapter().validate_python(tree)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        source = _source(origin, file, path)
        if first["type"] == "missing":
            raise ConfigError(f"{source}: key '{path}' is missing") from None
        if first["type"] == "unexpected_keyword_argument":
            raise ConfigError(f"{source}: unknown key '{path}'") from None
        shown = "not shown" if first["type"] == ONE_LINE else _shown(path, first["input"])
        raise ConfigError(f"{source}: '{path}' is {shown}: {first['msg'].removeprefix('Value error, ')}") from None
    for keys, wrong in contradictions(config):
        raise ConfigError(f"{_source(origin, file, *keys)}: {wrong}")
    return config


@cache
def _adapter() -> TypeAdapter[Config]:
    return TypeAdapter(Config)


def _source(origin: dict[str, str], file: str, *paths: str) -> str:
    """Where the first of these keys that was given was given, else a section with one of them; else the file."""
    sections = [part for path in paths for part in _prefixes(path)]
    return next((origin[path] for path in (*paths, *sections) if path in origin), file)


def _shown(path: str, value: object) -> str:
    secret = any(word in path for word in SECRETS)
    return "not shown" if secret else repr(value)[:80]


def _prefixes(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
