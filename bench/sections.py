"""Every section of `stylestream bench`, in one table: what it measures and how it is called."""

from collections.abc import Callable

import httpx

from bench import als, click_through, ctr, freshness, keywords, next_item, rankings, serving, throughput
from bench.report import Row
from bench.stack import Ask, running_stack
from bench.trained import with_past
from common.errors import ConfigError
from local.ready import not_ready
from local.simulator.run import build
from local.simulator.scenario import Scenario

READY_SECONDS = 360


def measure_serving(ask: Ask) -> list[Row]:
    """`bench.serving` on the configuration's platform, or on one of its own: a simulated shop with a past of 40,000
    events and models trained on it, and the stream that goes on; no batch job runs beside."""
    if ask.running:
        return serving.run(ask.config, ask.quick)
    with running_stack(ask.config, ask.say) as stack:
        with_past(stack, build(stack.config, Scenario(), "past"))
        stack.start("serve")
        stack.start("simulate", "--history-minutes", "0")
        address = f"http://127.0.0.1:{stack.config.serving.port}"
        ask.say("waiting for the API and the first rankings")
        stack.wait("the API", lambda: not_ready(address) is None and _ranked(address), READY_SECONDS, every=0.5)
        stack.pause(60)  # item counts are read, and the jobs' last work is over
        ask.say("measuring")
        return serving.run(stack.config, ask.quick)


def _ranked(address: str) -> bool:
    """Whether the popular ranking has items of several categories."""
    try:
        answer = httpx.get(f"{address}/v1/rankings/popular?limit=200").raise_for_status()
    except httpx.HTTPError:
        return False
    return len({item["category"] for item in answer.json()["items"] if item["category"]}) > 1


# name → what measures it
SECTIONS: dict[str, Callable[[Ask], list[Row]]] = {
    "throughput": throughput.measure,
    "freshness": freshness.measure,
    "rankings": rankings.measure,
    "serving": measure_serving,
    "keywords": keywords.measure,
    "ctr": ctr.measure,
    "click-through": click_through.measure,
    "als": als.measure,
    "next-item": next_item.measure,
}
ON_RUNNING = ("serving",)


def chosen(names: tuple[str, ...], running: bool) -> list[str]:
    """The sections asked for, all when none is named; `ConfigError` naming those there are."""
    there = list(ON_RUNNING if running else SECTIONS)
    for name in names:
        if name not in SECTIONS:
            raise ConfigError(f"no section '{name}'; there are: {', '.join(SECTIONS)}")
        if name not in there:
            raise ConfigError(
                f"section '{name}' cannot measure a running platform; --running is for: {', '.join(there)}"
            )
    return list(dict.fromkeys(names)) or there
