"""What `bench click-through` asks: the look first, then every surface; and an answer that breaks a filter is found."""

import time

import httpx
import orjson
import pytest

from bench.click_asked import IN_CATEGORY, POPULAR, SURFACES, Look, filtered, lists
from common.validate import validate
from local.simulator.catalog import CATEGORIES
from local.simulator.session import Shop
from tests.unit.test_simulator import CLEAN, simulation


class Api:
    """Keeps what is asked for, and answers with the items that `answer` gives for the query's parameters."""

    def __init__(self, shop: Shop, keeps_filters: bool = True) -> None:
        self.asked: list[httpx.URL] = []
        self.posted: list[dict[str, object]] = []
        self._shop, self._keeps = shop, keeps_filters

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            self.posted.append(orjson.loads(request.content))
            return httpx.Response(202, json={"accepted": 1, "rejected": []})
        self.asked.append(request.url)
        items = [n for n in range(len(self._shop.catalog.ids)) if self._admits(n, request.url.params)]
        return httpx.Response(200, json={"items": [{"item_id": self._shop.catalog.ids[n]} for n in items[:10]]})

    def _admits(self, item: int, asked: httpx.QueryParams) -> bool:
        path, price = CATEGORIES[self._shop.catalog.category[item]][0], self._shop.catalog.price[item]
        low, high = float(asked.get("min_price", 0)), float(asked.get("max_price", 1e9))
        return not self._keeps or (path.startswith(asked.get("category", "")) and low <= price <= high)


@pytest.fixture
def shop() -> Shop:
    return simulation(**CLEAN, users=20, items=90).shop


def client(api: Api) -> httpx.Client:
    return httpx.Client(base_url="http://shop", transport=httpx.MockTransport(api))


def test_every_shopper_looks_and_is_then_shown_every_surface_and_both_rankings(shop: Shop) -> None:
    api = Api(shop)
    looks = [Look(3, 7, False), Look(12, 40, True)]
    shown = lists(client(api), shop, looks)
    assert shown.keys() == {*SURFACES, POPULAR, IN_CATEGORY}
    assert all(by_user.keys() == {3, 12} for by_user in shown.values())
    assert shown["now"][12] == list(range(10))
    assert [(event["user_id"], event["item_id"]) for event in api.posted] == [
        (shop.shoppers.ids[look.user], shop.catalog.ids[look.item]) for look in looks
    ]
    now_ms = time.time_ns() // 1_000_000
    assert all(isinstance(validate(event, now_ms), dict) for event in api.posted)  # what the collector takes
    asked = [url.raw_path.decode() for url in api.asked[:7]]
    assert asked[0] == "/v1/users/u00003/recommendations/for-you?limit=10"
    assert asked[4] == "/v1/items/i00007/similar?user_id=u00003&limit=10"
    assert api.asked[6].params["category"] == CATEGORIES[shop.catalog.category[7]][0]


def test_answers_that_break_a_filter_are_counted(shop: Shop) -> None:
    looks = [Look(3, 7, False)]
    good, bad = Api(shop), Api(shop, keeps_filters=False)
    items, wrong = filtered(client(good), shop, looks, 50, 1)
    assert items > 100 and wrong == 0
    items, wrong = filtered(client(bad), shop, looks, 50, 1)
    assert items == 500 and wrong > 40
    assert {url.path.rpartition("/")[2] for url in good.asked} == set(SURFACES)
    assert good.asked == bad.asked
