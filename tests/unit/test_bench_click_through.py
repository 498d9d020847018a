"""What lists are worth under the simulator's truth: against draws, numpy and figures worked out by hand."""

import numpy as np
import pytest

from bench.click_asked import IN_CATEGORY, POPULAR, SURFACES, draw_looks
from bench.click_judge import PLACES, Ask, attractions, best, broken, click_through, demand, draw_filters, mean_ratio
from bench.click_through import rows
from local.simulator.catalog import CATEGORIES
from local.simulator.exposure import Lists
from local.simulator.session import Shop
from tests.unit.test_simulator import CLEAN, simulation


@pytest.fixture
def shop() -> Shop:
    return simulation(**CLEAN, users=40, items=90).shop


def test_the_chances_of_articles_are_those_that_the_simulator_draws_by(shop: Shop) -> None:
    draws = 30_000
    for user in (3, 17):
        chances = shop.choice.chances(user)
        assert chances.sum() == pytest.approx(1.0)
        drawn = [shop.choice.item(user, shop.choice.category(user)) for _ in range(draws)]
        counts = np.bincount(drawn, minlength=len(chances))
        often = chances > 20 / draws
        z = (counts - draws * chances) / np.sqrt(draws * chances * (1 - chances))
        assert often.sum() > 10
        assert np.abs(z[often]).max() < 4.5
        assert counts[~often].sum() < 2 * draws * chances[~often].sum() + 50


def test_the_chance_of_a_click_is_the_formula(shop: Shop) -> None:
    user, category = 5, shop.catalog.category[0]
    style = np.minimum(shop.shoppers.style_taste[user][shop.catalog.style] * 6, 4)
    away = (shop.catalog.price_level - shop.shoppers.price_level[user]) / 0.8
    z = -2.6 + 1.6 * (np.array(shop.catalog.category) == category) + 1.2 * np.log(style + 0.2)
    z += 0.5 * shop.choice.appeal - 0.5 * np.minimum(away**2, 6)
    z += 0.6 * (np.array(shop.catalog.launched_days_ago) < 30)
    found = attractions(Lists(shop.catalog, shop.shoppers, shop.choice, shop.draw), user, category)
    assert np.allclose(found, 1 / (1 + np.exp(-z)))


def test_a_list_is_worth_its_clicks_by_place_and_an_empty_place_none() -> None:
    attraction = np.array([0.5, 0.25, 0.1])
    assert click_through(attraction, [1, 0]) == pytest.approx((0.25 + 0.5 * 2**-0.7) / 10)
    assert click_through(attraction, []) == 0.0
    assert click_through(attraction, [0] * 30) == click_through(attraction, [0] * PLACES)


def test_no_list_of_what_is_in_stock_is_worth_more_than_the_best(shop: Shop) -> None:
    attraction = np.linspace(0.01, 0.9, len(shop.catalog.ids))
    shop.catalog.stock[-1] = 0
    found = best(attraction, shop.catalog)
    assert found == list(range(88, 78, -1))
    rng = np.random.default_rng(1)
    others = [rng.permutation(89)[:PLACES].tolist() for _ in range(100)]
    assert all(click_through(attraction, other) <= click_through(attraction, found) for other in others)


def test_demand_counts_every_article_once() -> None:
    assert demand(np.array([0.5, 0.3, 0.2]), [2, 0, 2]) == pytest.approx(0.7)


def test_the_ratio_is_that_of_the_means() -> None:
    assert mean_ratio({1: 3.0, 2: 1.0}, {1: 1.0, 2: 1.0}, [1, 2]) == 2.0
    assert mean_ratio({1: 3.0}, {1: 1.0}, []) is None


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        (Ask(), 0),
        (Ask("women"), 2),
        (Ask("women/dresses"), 2),
        (Ask("wom"), 3),
        (Ask(None, 20.0, 30.0), 1),
        (Ask(None, 20.01), 1),
        (Ask(None, None, 29.99), 2),
        (Ask("men", 25.0, 30.0), 2),
    ],
)
def test_an_article_outside_of_a_filter_is_counted(shop: Shop, asked: Ask, wrong: int) -> None:
    paths = [path for path, _, _ in CATEGORIES]
    shop.catalog.category[:3] = [paths.index("women/dresses"), paths.index("men/suits"), paths.index("men/jeans")]
    shop.catalog.price[:3] = [20.0, 30.0, 40.0]
    assert broken(asked, [0, 1, 2], shop.catalog) == wrong


def test_drawn_filters_are_of_every_kind_and_can_be_met(shop: Shop) -> None:
    rng = np.random.default_rng(2)
    drawn = [draw_filters(rng, shop.catalog) for _ in range(300)]
    kinds = {(ask.category is not None, ask.low is not None, ask.high is not None) for ask in drawn}
    assert len(kinds) == 7  # all but none at all
    assert any(ask.category == "women" for ask in drawn) and any("/" in (ask.category or "") for ask in drawn)
    assert all(ask.low <= ask.high for ask in drawn if ask.low is not None and ask.high is not None)
    assert set(Ask("a", 1.0, 2.0).parameters()) == {"category", "min_price", "max_price"}
    assert Ask("a").parameters() == {"category": "a"}


def test_the_best_lists_are_worth_all_there_is_and_no_look_is_of_somebody_else(shop: Shop) -> None:
    met = set(shop.shoppers.ids[:25])
    looks = draw_looks(shop, met, 10, 100, 1)
    assert [look.new for look in looks] == [False] * 10 + [True] * 15
    assert all((shop.shoppers.ids[look.user] in met) != look.new for look in looks)
    truth = Lists(shop.catalog, shop.shoppers, shop.choice, shop.draw)
    tops = {
        look.user: best(attractions(truth, look.user, shop.catalog.category[look.item]), shop.catalog) for look in looks
    }
    shown = dict.fromkeys((*SURFACES, POPULAR, IN_CATEGORY), tops) | {"now": {user: [] for user in tops}}
    values = {one["name"]: one["value"] for one in rows(shop, looks, shown)}
    assert values["for-you by popular"] == values["similar by best possible"] == 1.0
    assert values["now by popular"] == values["now by popular, demand"] == 0.0
    assert values["for-you, clicks per 100 places"] == values["best possible, clicks per 100 places"] > 1
