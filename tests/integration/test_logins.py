"""What an anonymous session did counts with its user from the first event on that carries both."""

import httpx
import redis

from common.config import Config
from common.keys import Keys, user_field
from tests.event_factory import event

MINUTE = 29_000_000


def profile(api: httpx.Client, user: str) -> dict[str, object]:
    return api.get(f"/v1/users/{user}/profile").json()  # type: ignore[no-any-return]


def send(api: httpx.Client, kind: str, item: str, **who: object) -> None:
    assert api.post("/v1/events", json=event(kind, item_id=item, **who)).status_code == 202


def viewed(api: httpx.Client, user: str) -> list[str]:
    return profile(api, user)["last"]["viewed"]  # type: ignore[index, no-any-return]


def test_a_session_is_its_users_after_the_login_and_nobody_elses(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    send(api, "view", "i-anonymous", user_id=None, session_id="s-1", category="bags")
    streamed = user_field(MINUTE, "coats", "i-streamed")
    redis_conn.hset(keys.user_facts("s-1"), streamed, f"1,0,0,0,0,0,0,0,0|{MINUTE * 60_000}|20.0")
    assert viewed(api, "u-1") == []
    send(api, "view", "i-known", user_id="u-1", session_id="s-1", category="shoes")
    assert viewed(api, "u-1") == ["i-known", "i-anonymous", "i-streamed"]
    assert viewed(api, "s-1") == ["i-anonymous", "i-streamed"]
    assert viewed(api, "u-2") == []
    send(api, "view", "i-later", user_id=None, session_id="s-1", category="bags")
    assert viewed(api, "u-1")[0] == "i-later"


def test_a_session_of_two_users_is_nobodys_whoever_comes_first(api: httpx.Client) -> None:
    send(api, "view", "i-secret", user_id=None, session_id="s-device")
    send(api, "view", "i-a", user_id="u-a", session_id="s-device")
    assert viewed(api, "u-a") == ["i-a", "i-secret"]
    send(api, "view", "i-b", user_id="u-b", session_id="s-device")
    assert viewed(api, "u-b") == ["i-b"]
    assert viewed(api, "u-a") == ["i-a"]
    for user in ("u-c", "u-d"):  # two users first, then nobody, then a third
        send(api, "view", f"i-{user}", user_id=user, session_id="s-later")
    send(api, "view", "i-later", user_id=None, session_id="s-later")
    send(api, "view", "i-e", user_id="u-e", session_id="s-later")
    assert viewed(api, "u-e") == ["i-e"]


def test_a_session_id_that_is_somebodys_user_id_is_neither_shown_nor_forgotten_with_another_user(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    send(api, "view", "i-anonymous", user_id=None, session_id="later")
    send(api, "view", "i-1", user_id="mallory", session_id="later")
    assert viewed(api, "mallory") == ["i-1", "i-anonymous"]
    send(api, "view", "i-later", user_id="later")
    assert viewed(api, "mallory") == ["i-1"]
    send(api, "view", "i-secret", user_id="victim")
    send(api, "view", "i-2", user_id=None, session_id="victim")
    send(api, "view", "i-3", user_id="mallory", session_id="victim")
    assert viewed(api, "mallory") == ["i-3", "i-1"]
    redis_conn.set(keys.long_term("victim"), b"{}")
    assert api.delete("/v1/users/mallory").json()["sessions"] == 0
    assert viewed(api, "victim") == ["i-2", "i-secret"]
    assert viewed(api, "later") == ["i-later", "i-anonymous"]
    assert redis_conn.exists(keys.long_term("victim")) == 1
    assert redis_conn.get(keys.kind("victim")) == b"u"
    assert redis_conn.ttl(keys.kind("victim")) > config.profile.ttl_hours * 3600


def test_the_users_own_joined_session_is_not_one_of_others(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    keys = Keys(config.redis.prefix)
    for n, item in enumerate(("i-1", "i-2")):
        value = f"1,0,0,0,0,0,0,0,0|{MINUTE * 60_000 + n}|9.0"
        redis_conn.hset(keys.user_facts("s-1"), user_field(MINUTE, "bags", item), value)
        redis_conn.zadd(keys.fresh(item), {"s-1": MINUTE * 60_000 + n})
    send(api, "view", "i-1", user_id=None, session_id="s-1", category="bags")

    def led_to(user: str) -> set[str]:
        answer = api.get("/v1/items/i-1/related", params={"user_id": user, "explain": True}).json()
        return {one["item_id"] for one in answer["items"] if "session" in {why["signal"] for why in one["reasons"]}}

    send(api, "view", "i-9", user_id="other")
    assert led_to("other") == {"i-2"}
    send(api, "view", "i-1", user_id="u-1", session_id="s-1")
    assert led_to("u-1") == set()


def test_a_session_without_anything_anonymous_costs_no_further_read(
    api: httpx.Client, config: Config, redis_conn: redis.Redis
) -> None:
    send(api, "view", "i-1", user_id="u-1", session_id="s-2")
    assert not redis_conn.exists(Keys(config.redis.prefix).sessions("u-1"))
    assert redis_conn.ttl(Keys(config.redis.prefix).recent("u-1")) > 0
