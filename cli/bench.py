"""`stylestream bench`: measures speed and quality on this machine."""

import time
from pathlib import Path

import click

from cli.options import with_config
from common.config import Config
from common.errors import ConfigError

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("sections", nargs=-1, metavar="[SECTION]...")
@click.option("--quick", is_flag=True, help="Fewer events and shorter runs: coarser figures.")
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Write environment and rows here.")
@click.option("--compare", type=FILE, metavar="FILE", help="Show the ratio to this earlier --json file.")
@click.option("--data", type=FILE, metavar="FILE", help="throughput: Online Retail's file to replay.")
@click.option("--lists", type=FILE, metavar="FILE", help="keywords: hourly hot lists (date, hour, title, hot).")
@click.option("--ratings", type=FILE, metavar="FILE", help="als: user_id, item_id, rating (and timestamp).")
@click.option("--train", type=FILE, metavar="FILE", help="next-item: sessions, gzip, a session a line.")
@click.option("--test", type=FILE, metavar="FILE", help="next-item: prefix TAB next item, gzip.")
@click.option("--running", is_flag=True, help="serving: measure the configuration's running platform.")
@with_config
def bench(
    config: Config,
    /,
    sections: tuple[str, ...],
    quick: bool,
    json_file: Path | None,
    compare: Path | None,
    running: bool,
    **files: Path | None,
) -> None:
    """Measure sections (all when none is named) and print a table.

    Each starts what it needs in a temporary folder and stops it. A missed target is shown, not an error.
    """
    from bench import report
    from bench.sections import SECTIONS, chosen
    from bench.stack import Ask

    names = chosen(sections, running)
    earlier = report.read(compare) if compare else None
    _must_be_there({f"--{name}": file for name, file in files.items()})
    where, rows = report.environment(), list[report.Row]()
    if json_file is not None:  # what cannot be written is said before the work
        report.write(json_file, where, rows)
    began = time.monotonic()

    def say(line: str) -> None:
        click.echo(f"[{time.monotonic() - began:5.0f} s] {line}", err=True)

    for name in names:
        say(f"section {name}")
        rows += SECTIONS[name](Ask(config, quick, running, say=say, **files))
        if json_file is not None:  # what was measured outlives a later section's failure
            report.write(json_file, where, rows)
    click.echo(f"here:    {report.environment_line(where)}")
    if earlier is not None:
        click.echo(f"earlier: {report.environment_line(earlier['environment'])}")
    click.echo(report.table(rows, earlier))


def _must_be_there(files: dict[str, Path | None]) -> None:
    for option, file in files.items():
        if file is not None and not file.is_file():
            raise ConfigError(f"{option} {file}: no such file")
