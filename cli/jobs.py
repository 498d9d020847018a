"""`stylestream batch`, `schedule` and `rebuild`."""

import sys
from datetime import datetime, timezone
from pathlib import Path

import click

from cli.options import Settings, settings, with_config, with_settings
from common.config import Config


class JobName(click.ParamType[str]):
    """The name of a job of `batch.jobs`."""

    name = "NAME"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from batch.jobs import JOBS

        if value not in JOBS:
            self.fail(f"no batch job '{value}'; there are: {', '.join(JOBS)}", param, ctx)
        return value


@click.command()
@click.argument("name", type=JobName(), metavar="NAME")
@with_config
def batch(config: Config, name: str) -> int:
    """Run one batch job: facts, corrections, rates, keywords, als, sessions, related, ctr or forget.

    Exit codes: 0 done, 10 refused by the quality gate or as a newer one is served, 11 not enough data in the lake yet.
    """
    from batch.entry import execute
    from batch.jobs import load_job

    outcome = execute(name, load_job(name), config, settings().spark_log(config, name))
    click.echo(f"{name}: {outcome.message}")
    return outcome.exit_code


@click.command()
@click.option("--plan", metavar="FILE", help="When each job runs (default: conf/schedule.yaml).")
@with_settings
def schedule(given: Settings, plan: str | None) -> None:
    """Run the batch jobs on their schedule, until stopped."""
    from batch.plan import load_plan
    from batch.schedule import Schedule, stop_on_signals
    from common.lease import held

    config = given.load()
    program = str(Path(sys.executable).with_name("stylestream"))
    jobs = load_plan(plan)
    logs = Path(config.state_dir) / "logs"
    running = Schedule(jobs, lambda name: [program, *given.arguments(), "batch", name], logs, _say)
    stop_on_signals(running)
    _say("schedule: " + ", ".join(f"{job.name} {job.cron or 'every ' + str(job.every)}" for job in jobs))
    with held(config, "schedule", running.stop) as lease:
        running.run()
        lease.check()


@click.command()
@with_config
def rebuild(config: Config) -> int:
    """Restore Redis from Delta: products, facts, rankings, keywords, the live model, profiles."""
    from batch import rebuild as job
    from batch.entry import execute

    log = settings().spark_log(config, "rebuild")
    outcome = execute("rebuild", lambda spark, given: job.run(spark, given, click.echo), config, log)
    click.echo(f"rebuild: {outcome.message}")
    return outcome.exit_code


def _say(line: str) -> None:
    click.echo(f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ} {line}")
    sys.stdout.flush()
