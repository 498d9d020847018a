"""Click-through of the five surfaces beside popularity, under the simulator's own truth; filters that must never break.

A simulated shop's past goes through Kafka, the stream and one run of the batch jobs. Then shoppers look at one more
article each, drawn by the simulator as it draws theirs: some who were there before and some who never were. After that
look, which the collector gets as any other, the API is asked for every surface, and the lists are judged by what
the simulator knows (`bench.click_judge`): in the category of the look, as the simulator itself shows lists. Beside them
the ranking `popular` of all and of that category, and the best list there is. Nothing served knows the truth. The
simulator has no complements: nobody is drawn to another category by what lies in the cart. What `related` shows from
there can only cost it clicks here, so it has no target beside the category's own ranking.

The same seed gives the same shop and tastes; events are of now, so that visits differ with the hour.
"""

from dataclasses import replace
from urllib.parse import quote

import httpx

from bench.click_asked import IN_CATEGORY, POPULAR, SURFACES, Look, Shown, draw_looks, filtered, lists
from bench.click_judge import attractions, best, click_through, demand, mean_ratio
from bench.report import Row, row
from bench.stack import Ask, Stack, running_stack
from bench.trained import WAIT_SECONDS, with_past
from local.ready import not_ready
from local.simulator.exposure import Lists
from local.simulator.run import build
from local.simulator.scenario import Scenario
from local.simulator.session import Shop

SECTION = "click-through"
BEST = "best possible"
OF_A_CATEGORY = ("trending", "similar")  # by what they are meant to show: these have to beat its own ranking, too


def measure(ask: Ask) -> list[Row]:
    """Rows of this section."""
    users, items, known, new, answers = (1000, 500, 60, 30, 300) if ask.quick else (2000, 1000, 200, 100, 3000)
    shop = replace(ask.config.simulator, users=users, items=items, history_minutes=60)
    with running_stack(replace(ask.config, simulator=shop), ask.say) as stack:
        simulation = build(stack.config, Scenario(), "shop")
        met = with_past(stack, simulation)
        looks = draw_looks(simulation.shop, met, known, new, shop.seed)
        address = f"http://127.0.0.1:{stack.config.serving.port}"
        with httpx.Client(base_url=address, timeout=30) as client:
            _serve(stack, client, address, simulation.shop.shoppers.ids[looks[0].user])
            ask.say(f"asking for {len(looks)} shoppers")
            shown = lists(client, simulation.shop, looks)
            ask.say(f"{answers} answers with filters")
            held, wrong = filtered(client, simulation.shop, looks, answers, shop.seed)
    return [
        *rows(simulation.shop, looks, shown),
        row(SECTION, "answers with price or category filters", answers, "answers"),
        row(SECTION, "items in them", held, "items", 5 * answers, least=True),
        row(SECTION, "of them with an item that breaks a filter", wrong, "answers", 0),
    ]


def _serve(stack: Stack, client: httpx.Client, address: str, user: str) -> None:
    """Starts the API and waits until it has loaded the models."""
    stack.start("serve")
    stack.wait("the API", lambda: not_ready(address) is None, WAIT_SECONDS, every=0.5)

    def loaded() -> bool:
        paths = [f"/v1/users/{quote(user, safe='')}/recommendations/{name}" for name in ("for-you", "now")]
        answers = [client.get(path) for path in paths]
        return all(answer.raise_for_status().json()["model_version"] for answer in answers)

    stack.wait("the models in the API", loaded, WAIT_SECONDS, every=0.5)
    stack.pause(10)  # the counts behind the click-through model are read every few seconds


def rows(shop: Shop, looks: list[Look], shown: Shown) -> list[Row]:
    """The figures of lists: what they are worth, beside popularity and the best possible."""
    truth = Lists(shop.catalog, shop.shoppers, shop.choice, shop.draw)
    worth: dict[str, dict[int, float]] = {name: {} for name in (*shown, BEST)}
    covered: dict[str, dict[int, float]] = {name: {} for name in shown}
    for look in looks:
        attraction = attractions(truth, look.user, shop.catalog.category[look.item])
        chances = shop.choice.chances(look.user)
        worth[BEST][look.user] = click_through(attraction, best(attraction, shop.catalog))
        for name in shown:
            worth[name][look.user] = click_through(attraction, shown[name][look.user])
            covered[name][look.user] = demand(chances, shown[name][look.user])
    users, new = [look.user for look in looks], [look.user for look in looks if look.new]
    found = [
        row(SECTION, f"{name}, clicks per 100 places", 100 * sum(worth[name].values()) / len(users), "")
        for name in (POPULAR, IN_CATEGORY, BEST)
    ]
    for name in SURFACES:
        own, least = worth[name], 1.0 if name in OF_A_CATEGORY else None
        in_category = mean_ratio(own, worth[IN_CATEGORY], users)
        found += [
            row(SECTION, f"{name}, clicks per 100 places", 100 * sum(own.values()) / len(users), ""),
            row(SECTION, f"{name} by {POPULAR}", mean_ratio(own, worth[POPULAR], users), "ratio", 1.0, least=True),
            row(SECTION, f"{name} by {POPULAR}, new shoppers", mean_ratio(own, worth[POPULAR], new), "ratio"),
            row(SECTION, f"{name} by {IN_CATEGORY}", in_category, "ratio", least, least=True),
            row(SECTION, f"{name} by {BEST}", mean_ratio(own, worth[BEST], users), "ratio"),
            row(SECTION, f"{name} by {POPULAR}, demand", mean_ratio(covered[name], covered[POPULAR], users), "ratio"),
        ]
    return found
