"""What a merge that reads while the stream writes gives way to. In any order: test_stateful.py."""

import pytest
import redis

from common.config import Config
from common.keys import Keys
from common.sinks.rankings import activate, settled_minute
from tests.integration.item_rows import write_rows
from tests.integration.sinks.counted_shop import MOST, CountedShop
from tests.integration.sinks.views_of import HOUR, capped, item_row, user_row


@pytest.fixture
def shop(config: Config, redis_conn: redis.Redis) -> CountedShop:
    return CountedShop(capped(config, MOST), redis_conn)


def test_a_merge_gives_way_when_only_what_the_cap_takes_off_a_settled_minute_has_changed(shop: CountedShop) -> None:
    """The items' rows of a micro-batch are written before its people's, and a merge may begin between them."""
    write_rows(shop.config, [item_row("i", HOUR, 9), item_row("i", HOUR + 9, 1)])
    assert settled_minute(shop.config) == HOUR + 6
    write_rows(shop.config, [user_row("u", "i", HOUR + 6, 9)])
    assert activate(shop.config, "v", HOUR, HOUR + 7) is None


def test_a_merge_that_begins_beside_another_does_not_hide_from_it_what_has_changed(shop: CountedShop) -> None:
    """`facts` and `rebuild` may run at once."""
    write_rows(shop.config, [item_row("i", HOUR, 9), item_row("i", HOUR + 9, 1)])
    assert settled_minute(shop.config, "first") == HOUR + 6
    write_rows(shop.config, [item_row("i", HOUR + 3, 5)])
    assert settled_minute(shop.config, "second") == HOUR + 6
    before = shop.scores()
    assert activate(shop.config, "v1", HOUR, HOUR + 7, "first") is None
    assert shop.scores() == before
    assert activate(shop.config, "v2", HOUR, HOUR + 7, "second") is True  # nothing has changed since it began
    assert not shop.client.exists(Keys(shop.config.redis.prefix).low)  # nor stays what a killed merge has left
    assert activate(shop.config, "v3", HOUR, HOUR + 7, "first") is None
