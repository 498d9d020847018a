"""What every command takes: `--conf FILE` and `--debug`, before or after its name.

A command is written `@click.command()`, its own options, then `@with_config` next to the function, which
gets the loaded `Config` first. A command that must not load it (doctor) uses `@with_settings` instead.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from common.config import Config
from common.config_load import load_config

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Settings:
    """What was given on the command line for every command; `conf` None means `conf/local.yaml`."""

    conf: str | None = None
    debug: bool = False

    def merge(self, conf: str | None, debug: bool) -> "Settings":
        """Takes what was given after the command's name; the later `--conf` wins."""
        self.conf = conf or self.conf
        self.debug = debug or self.debug
        return self

    def load(self) -> Config:
        """The configuration in force; `ConfigError` in one line when it does not fit."""
        return load_config(self.conf)

    def spark_log(self, config: Config, job: str) -> Path | None:
        """Where Spark's own log of a job goes; None, which is stderr, when debugging."""
        return None if self.debug else Path(config.state_dir).resolve() / "logs" / f"spark-{job}.log"

    def arguments(self) -> list[str]:
        """The same as arguments for a child process, with an absolute path."""
        conf = ["--conf", str(Path(self.conf).resolve())] if self.conf else []
        return [*conf, "--debug"] if self.debug else conf


def conf_option(function: Callable[..., R]) -> Callable[..., R]:
    """Adds `--conf FILE` and `--debug`."""
    conf = click.option("--conf", metavar="FILE", help="Configuration file (default: conf/local.yaml).")
    debug = click.option("--debug", is_flag=True, help="Show the trace of an error and more of the log.")
    return conf(debug(function))


def settings() -> Settings:
    """The settings of the command that is running."""
    root = click.get_current_context().find_root()
    return root.ensure_object(Settings)


def with_settings(function: Callable[Concatenate[Settings, P], R]) -> Callable[..., R]:
    """Adds `--conf` and `--debug`; calls the function with `Settings` first."""

    @wraps(function)
    def command(conf: str | None, debug: bool, *args: P.args, **kwargs: P.kwargs) -> R:
        return function(settings().merge(conf, debug), *args, **kwargs)

    return conf_option(command)


def with_config(function: Callable[Concatenate[Config, P], R]) -> Callable[..., R]:
    """Adds `--conf` and `--debug`; calls the function with the loaded `Config` first."""

    @wraps(function)
    def command(given: Settings, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return function(given.load(), *args, **kwargs)

    return with_settings(command)
