"""`stylestream up`, `down`, `status` and `topics`: the servers that everything else needs."""

import click

from cli.options import with_config
from common.config import Config
from common.endpoints import EMBEDDED
from common.errors import UnavailableError


@click.command()
@with_config
def up(config: Config) -> None:
    """Start the embedded Kafka and Redis; check those that are given by the configuration."""
    from local.embedded import up as start
    from local.reach import check_kafka, check_redis

    start(config, click.echo)
    if config.kafka.bootstrap_servers != EMBEDDED:
        click.echo(f"kafka answers at {check_kafka(config)}")
    if config.redis.url != EMBEDDED:
        click.echo(f"redis answers at {check_redis(config)}")


@click.command()
@with_config
def down(config: Config) -> None:
    """Stop the embedded Kafka and Redis. Their data stays in the state folder."""
    from local.embedded import down as stop

    stop(config, click.echo)


@click.command()
@with_config
def status(config: Config) -> None:
    """Say whether Kafka and Redis answer, what the queries did last, which model is live, if the API is ready.

    Exit codes: 0 Kafka and Redis answer, 4 one of them does not. The other parts are told, but do not count.
    """
    from local.embedded import crashed, states
    from local.process import log_tail
    from local.reach import check_kafka, check_redis, redis_warning
    from local.status import parts

    gone = {state.name: state for state in crashed(config)}
    pids = {state.name: state.process.pid for state in states(config)}
    fit = True
    for name, check in (("kafka", check_kafka), ("redis", check_redis)):
        if name in gone:
            process, tail = gone[name].process.pid, log_tail(gone[name].log)
            said, fit = f"process {process} stopped unexpectedly ({tail}): run 'stylestream up'", False
        else:
            try:
                owner = f"process {pids[name]}" if name in pids else "not ours"
                said = f"up at {check(config)}, {owner}"
                if name == "redis" and any(wrong := redis_warning(config)):
                    said += f"; warning: {'; '.join(wrong)}"
            except UnavailableError as error:
                said, fit = str(error), False
        click.echo(f"{name:<8} {said}")
    for name, said in parts(config):
        click.echo(f"{name:<8} {said}")
    if not fit:
        raise SystemExit(UnavailableError.exit_code)


@click.command()
@with_config
def topics(config: Config) -> None:
    """Create the Kafka topics that are missing; list all of ours."""
    from local.topics import create_topics

    listed = create_topics(config)
    for topic in listed:
        click.echo(f"{topic.name:<24} {topic.partitions} partitions  {'created' if topic.created else 'exists'}")
    for topic in listed:
        if topic.warning:
            click.echo(f"warning: {topic.warning}", err=True)
