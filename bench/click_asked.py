"""What the bench `click-through` asks the API: surfaces and rankings after a shopper's look; answers with filters."""

import time
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import numpy as np

from bench.click_judge import PLACES, broken, draw_filters
from common.validate import rfc3339
from local.simulator.catalog import CATEGORIES
from local.simulator.session import Shop

OF_A_USER, OF_AN_ITEM = ("for-you", "now", "trending"), ("related", "similar")
SURFACES = (*OF_A_USER, *OF_AN_ITEM)
POPULAR, IN_CATEGORY = "popular", "popular in the category"
Shown = dict[str, dict[int, list[int]]]  # surface or ranking → user → items


@dataclass(frozen=True)
class Look:
    """A shopper looks at an article; `new`: the past knew nothing of them. All by the simulator's indices."""

    user: int
    item: int
    new: bool


def draw_looks(shop: Shop, met: set[str], known: int, new: int, seed: int) -> list[Look]:
    """So many shoppers of either kind, drawn, each with an article by their taste; fewer where there are no more."""
    rng = np.random.default_rng(seed)
    found = []
    for is_new, most in ((False, known), (True, new)):
        there = [n for n, user in enumerate(shop.shoppers.ids) if (user not in met) == is_new]
        for user in rng.permutation(there)[:most].tolist():
            found.append(Look(user, shop.choice.item(user, shop.choice.category(user)), is_new))
    return found


def lists(client: httpx.Client, shop: Shop, looks: list[Look]) -> Shown:
    """Every shopper looks, then is shown every surface and what is popular."""
    shown: Shown = {name: {} for name in (*SURFACES, POPULAR, IN_CATEGORY)}
    for number, look in enumerate(looks):
        client.post("/v1/events", json=_view(shop, look, number)).raise_for_status()
        for surface in SURFACES:
            shown[surface][look.user] = _items(client, shop, _path(shop, look, surface))
        ranking = f"/v1/rankings/popular?limit={PLACES}"
        shown[POPULAR][look.user] = _items(client, shop, ranking)
        category = CATEGORIES[shop.catalog.category[look.item]][0]
        shown[IN_CATEGORY][look.user] = _items(client, shop, f"{ranking}&category={quote(category, safe='')}")
    return shown


def filtered(client: httpx.Client, shop: Shop, looks: list[Look], answers: int, seed: int) -> tuple[int, int]:
    """Asks surface by surface with drawn filters: items in the answers, and answers with one that breaks a filter."""
    rng = np.random.default_rng(seed)
    items = wrong = 0
    for number in range(answers):
        look, asked = looks[number // len(SURFACES) % len(looks)], draw_filters(rng, shop.catalog)
        path = _path(shop, look, SURFACES[number % len(SURFACES)])
        answered = _items(client, shop, path, **asked.parameters())
        items += len(answered)
        wrong += broken(asked, answered, shop.catalog) > 0
    return items, wrong


def _path(shop: Shop, look: Look, surface: str) -> str:
    user, item = (quote(name, safe="") for name in (shop.shoppers.ids[look.user], shop.catalog.ids[look.item]))
    if surface in OF_A_USER:
        return f"/v1/users/{user}/recommendations/{surface}?limit={PLACES}"
    return f"/v1/items/{item}/{surface}?user_id={user}&limit={PLACES}"


def _items(client: httpx.Client, shop: Shop, path: str, **parameters: str | float) -> list[int]:
    url = httpx.URL(path).copy_merge_params(parameters)
    items = client.get(url).raise_for_status().json()["items"]
    return [shop.catalog.ids.index(one["item_id"]) for one in items]


def _view(shop: Shop, look: Look, number: int) -> dict[str, str | float]:
    return {
        "event_id": f"look-{number}",
        "event_type": "view",
        "event_time": rfc3339(time.time_ns() // 1_000_000),
        "user_id": shop.shoppers.ids[look.user],
        "session_id": f"look-s{number}",
        "item_id": shop.catalog.ids[look.item],
        "category": CATEGORIES[shop.catalog.category[look.item]][0],
        "price": shop.catalog.price[look.item],
    }
