"""`stylestream demo`: the whole platform in the foreground."""

import click

from cli.options import Settings, with_settings


@click.command()
@click.option("--dataset", help="Replay this data set instead of the simulator.")
@click.option("--data", metavar="FILE", help="The data set's file.")
@click.option("--port", type=click.IntRange(0, 65535), help="Of the API; 0 takes any. [default: serving.port]")
@click.option("--seconds", type=click.FloatRange(min=0), help="Stop by itself this long after it is ready.")
@click.option("--rate", type=click.IntRange(min=1), help="The simulator's events a second.")
@click.option("--state", metavar="FOLDER", help="Data, logs and checkpoints. [default: state_dir]")
@click.option("--speed", metavar="N|max", help="How many times faster than it happened the data set is replayed.")
@with_settings
def demo(
    given: Settings,
    dataset: str | None,
    data: str | None,
    port: int | None,
    seconds: float | None,
    rate: int | None,
    state: str | None,
    speed: str | None,
) -> None:
    """Run everything: Kafka, Redis, input, streaming, batch training, API and dashboard. Ctrl-C stops it all.

    Exit code 0 when it was interrupted, or when with --seconds every process stayed healthy.
    """
    from local.demo import Options
    from local.demo import demo as run
    from local.inputs import Input

    source = Input(dataset or None, data or None, rate, speed or None).check()
    options = Options(source, given.arguments(), given.conf, port, seconds, state or None)
    code = run(options, click.echo)
    if code:
        raise SystemExit(code)
