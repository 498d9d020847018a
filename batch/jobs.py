"""Every batch job, in one table. `stylestream batch NAME` and the schedule read it; docs/jobs.md follows it."""

import importlib
from dataclasses import dataclass

from batch.entry import Job
from common.errors import ConfigError


@dataclass(frozen=True)
class JobEntry:
    """Where a job's `run` is, and what it does in one line."""

    module: str
    purpose: str


JOBS = {
    "facts": JobEntry("batch.facts", "Recount item and user facts from the lake; move the horizon T."),
    "corrections": JobEntry("batch.corrections", "Learn what is usual in a category by hour; publish factors."),
    "rates": JobEntry("batch.rates", "Learn how often a view leads to a purchase; publish rankings by it."),
    "als": JobEntry("batch.als", "Train, judge and publish recommendations."),
    "ctr": JobEntry("batch.ctr", "Train, judge and publish the click-through model."),
    "sessions": JobEntry("batch.sessions", "Build, tune and publish the index of session neighbours."),
    "related": JobEntry("batch.related", "Count which items go together or stand in for each other; publish."),
    "forget": JobEntry("batch.forget", "Delete those who asked to be forgotten from Delta and Redis."),
    "keywords": JobEntry("batch.keywords", "Learn usual search rates and hour-of-day factors; publish them."),
}


def load_job(name: str) -> Job:
    """The job's `run`; its module is imported only now."""
    if name not in JOBS:
        raise ConfigError(f"no batch job '{name}'; there are: {', '.join(JOBS)}")
    job: Job = importlib.import_module(JOBS[name].module).run
    return job
