"""`stylestream serve`: the API and the dashboard."""

import dataclasses

import click

from cli.options import with_config
from common.config import Config


@click.command()
@click.option("--host", help="Address to listen on (default: serving.host).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (default: serving.port).")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes that answer (default: serving.workers).")
@with_config
def serve(config: Config, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve the API and the dashboard until Ctrl-C or SIGTERM."""
    from serving import server

    asked = {"host": host, "port": port, "workers": workers}
    given = {name: value for name, value in asked.items() if value is not None}
    serving = dataclasses.replace(config.serving, **given)  # type: ignore[arg-type]
    server.serve(dataclasses.replace(config, serving=serving), click.echo)
