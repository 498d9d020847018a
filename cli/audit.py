"""`stylestream audit`: whether every message is accounted for."""

import click

from cli.options import with_config
from common.config import Config


@click.command()
@click.option(
    "--wait", default=90.0, show_default=True, help="Seconds to wait for the lake, which is behind the stream."
)
@with_config
def audit(config: Config, wait: float) -> int:
    """Account for every message that was counted: produced = counted + copies + quarantined + late.

    Exit codes: 0 every message is accounted for, 1 not, 4 Kafka, Redis or the lake cannot be reached.
    """
    from local.audit import audited

    standing = audited(config, wait)
    click.echo(
        f"{'partition':<28}{'offsets':>21}{'number':>10}{'events':>10}"
        f"{'refused':>9}{'erased':>9}{'behind':>9}{'absent':>9}{'doubled':>9}"
    )
    for part in standing.audit.partitions:
        offsets = f"{part.start}..{part.end - 1}" if part.offsets else "none"
        others = (part.quarantined, part.erased, part.behind, part.absent, part.doubled)
        figures = f"{part.offsets:>10,}{part.events:>10,}" + "".join(f"{number:>9,}" for number in others)
        click.echo(f"{part.name:<28}{offsets:>21}{figures}")
    click.echo(str(standing.audit))
    if empty := standing.audit.counts.empty:
        click.echo(f"offsets without a message (marks of transactions, what they took back): {empty:,} of those absent")
    if standing.unread:
        click.echo(f"not read yet: {standing.unread:,}")
    return 0 if standing.audit.balances else 1
