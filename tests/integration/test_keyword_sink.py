"""Keywords in Redis against sets and formulas worked out here: whatever the order, repetition, spelling, merge."""

import dataclasses
import random
from collections import defaultdict

import pyarrow as pa
import pytest
import redis

from common.config import Config
from common.keys import Keys
from common.sinks.keyword_baseline import activate_baseline
from common.sinks.redis_facts import fact_writer

START = 29_000_000  # an epoch minute
WINDOW, HALF_LIFE = 10, 120
Fact = tuple[int, str, str]  # minute, who, query as typed


def some_facts(minutes: int, seed: int = 4) -> list[Fact]:
    draw = random.Random(seed)
    texts = ["linen shirt", "Linen  Shirt", "LINENSHIRT", "여름 원피스", "여름원피스", "coat", "wool", "socks"]
    found = {
        (START + draw.randrange(minutes), f"u{draw.randrange(40)}", draw.choice(texts)) for _ in range(minutes * 9)
    }
    return sorted(found)


def key_of(query: str) -> str:
    return query.lower().replace(" ", "")


def write(config: Config, facts: list[Fact]) -> int:
    """Through the writer the executors use."""
    columns = {
        "fact": ["query"] * len(facts),
        "category": [""] * len(facts),
        "repeated": [False] * len(facts),
        "minute": [minute for minute, _, _ in facts],
        "user": [who for _, who, _ in facts],
        "key": [query for _, _, query in facts],
        "value": ["1"] * len(facts),
    }
    batch = pa.RecordBatch.from_pydict(columns)
    return sum(out["changed"][0].as_py() for out in fact_writer(config).write(iter([batch]), "s"))


def people(facts: list[Fact]) -> dict[tuple[int, str], int]:
    """(minute, keyword) → distinct people."""
    who = defaultdict(set)
    for minute, user, query in facts:
        who[(minute, key_of(query))].add(user)
    return {key: len(users) for key, users in who.items()}


def zset(connection: redis.Redis, key: str) -> dict[str, float]:
    return {name.decode(): score for name, score in connection.zrange(key, 0, -1, withscores=True)}


def baseline(connection: redis.Redis, config: Config, at: int) -> tuple[dict[str, float], float]:
    """S and M at minute `at`."""
    keys = Keys(config.redis.prefix)
    landmark, mass = map(float, connection.hmget(keys.keyword_meta, "landmark", "mass"))
    fade = 2 ** ((landmark - at) / HALF_LIFE)
    return {k: s * fade for k, s in zset(connection, keys.keyword_base).items()}, mass * fade


def usual(facts: list[Fact], at: int, since: int = 0) -> tuple[dict[str, float], float]:
    """The same by the formula of `common.models.trend`, from the facts alone."""
    sums: dict[str, float] = defaultdict(float)
    before = {(m, k): n for (m, k), n in people(facts).items() if since <= m <= at - WINDOW}
    for (minute, key), n in before.items():
        sums[key] += n * 2 ** ((minute - at) / HALF_LIFE)
    return dict(sums), sum(2 ** ((m - at) / HALF_LIFE) for m in {minute for minute, _ in before})


def window(facts: list[Fact], at: int) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for (minute, key), n in people(facts).items():
        if at - WINDOW < minute <= at:
            sums[key] += n
    return dict(sums)


def assert_state(connection: redis.Redis, config: Config, facts: list[Fact], at: int) -> None:
    keys = Keys(config.redis.prefix)
    assert zset(connection, keys.keyword_window) == window(facts, at)
    (seen, mass), (wanted, wanted_mass) = baseline(connection, config, at), usual(facts, at)
    assert seen == pytest.approx(wanted, rel=1e-9)
    assert mass == pytest.approx(wanted_mass, rel=1e-9)


def test_window_and_baseline_are_the_formula_at_every_minute(config: Config, redis_conn: redis.Redis) -> None:
    facts = some_facts(45)
    for at in sorted({minute for minute, _, _ in facts}):
        write(config, [fact for fact in facts if fact[0] == at])
        assert_state(redis_conn, config, [fact for fact in facts if fact[0] <= at], at)


def test_written_twice_and_in_any_order_and_batches_the_state_is_the_same(
    config: Config, redis_conn: redis.Redis
) -> None:
    facts = some_facts(45)
    shuffled = facts * 2
    random.Random(8).shuffle(shuffled)
    for start in range(0, len(shuffled), 70):
        write(config, shuffled[start : start + 70])
    assert write(config, facts) == 0
    assert_state(redis_conn, config, facts, max(fact[0] for fact in facts))
    keys = Keys(config.redis.prefix)
    minute = facts[100][0]
    assert zset(redis_conn, keys.keyword_counts(minute)) == {k: n for (m, k), n in people(facts).items() if m == minute}


def test_one_user_who_searches_10000_times_in_any_spelling_is_one_searcher(
    config: Config, redis_conn: redis.Redis
) -> None:
    spelled = ["".join(f" {c}" if n >> i & 1 else c for i, c in enumerate("linenshirtsale")) for n in range(10_000)]
    write(config, [(START + n % WINDOW, "bot", text) for n, text in enumerate(spelled)])
    keys = Keys(config.redis.prefix)
    assert zset(redis_conn, keys.keyword_window) == {"linenshirtsale": WINDOW}  # once a minute at most
    slots = [keys.keyword_users(START + n, "linenshirtsale") for n in range(WINDOW)]
    assert redis_conn.pfcount(*slots) == 1


def test_the_form_of_most_people_is_shown(config: Config, redis_conn: redis.Redis) -> None:
    typed = [("linen shirt", 5), ("LinenShirt", 3), ("linenshirt", 2)]
    facts = [(START, f"u{text}{n}", text) for text, count in typed for n in range(count)]
    facts += [(START + n, "bot", "LINENSHIRT") for n in range(9)]
    write(config, facts)
    top = redis_conn.zrevrange(Keys(config.redis.prefix).keyword_forms("linenshirt"), 0, 0)
    assert top == [b"linen shirt"]


@pytest.mark.parametrize("typed", ["", "   ", "\x00\x1f", "\u200b", "x" * 200, "y" * 1_000_000])
def test_what_is_no_keyword_leaves_nothing(config: Config, redis_conn: redis.Redis, typed: str) -> None:
    assert write(config, [(START, "u", typed)]) == 0
    assert redis_conn.keys(f"{config.redis.prefix}:*") == []


def test_markup_quotes_and_control_characters_are_text_like_any_other(config: Config, redis_conn: redis.Redis) -> None:
    typed = ["<b>x</b>", "'; drop table x;--", '"}],[', "a\x1fb\x00", "%s{kw}*", "\\"]
    write(config, [(START, "u", text) for text in typed])
    counted = zset(redis_conn, Keys(config.redis.prefix).keyword_counts(START))
    assert set(counted) == {"<b>x</b>", "';droptablex;--", '"}],[', "ab", "%s{kw}*", "\\"}


def test_every_written_key_expires_and_shares_one_slot(config: Config, redis_conn: redis.Redis) -> None:
    write(config, some_facts(30))
    activate_baseline(config, "v", START + 10, 1.0, [1.0] * 24)
    keys = list(redis_conn.scan_iter(match=f"{config.redis.prefix}:*"))
    assert keys
    assert [key for key in keys if redis_conn.ttl(key) <= 0] == []
    assert all(key.startswith(f"{config.redis.prefix}:{{kw}}:".encode()) for key in keys)


def test_only_the_most_searched_baselines_are_kept(config: Config, redis_conn: redis.Redis) -> None:
    small = dataclasses.replace(config, keywords=dataclasses.replace(config.keywords, keep=20))
    facts = [(START + n // 50, f"u{u}", f"k{n}") for n in range(3000) for u in range(1 + (n % 50 == 0))]
    for at in range(START, START + 60):
        write(small, [fact for fact in facts if fact[0] == at])
    kept = zset(redis_conn, Keys(config.redis.prefix).keyword_base)
    assert set(kept) == {f"k{50 * n}" for n in range(30, 50)}  # the newest of those with two people


def test_a_gap_longer_than_the_window_empties_it(config: Config, redis_conn: redis.Redis) -> None:
    facts = some_facts(15)
    write(config, facts)
    later = (START + 40, "u", "coat")
    write(config, [later])
    assert_state(redis_conn, config, [*facts, later], START + 40)


def test_baselines_stay_right_over_years(config: Config, redis_conn: redis.Redis) -> None:
    minutes = [START + day * 1440 for day in range(0, 900, 30)]
    for minute in minutes:
        write(config, [(minute, "u", "coat")])
    assert_state(redis_conn, config, [(minute, "u", "coat") for minute in minutes], minutes[-1])


def publish(connection: redis.Redis, config: Config, facts: list[Fact], horizon: int, version: str) -> bool:
    """What the batch layer does, with the formula of this file."""
    seen, mass = usual([f for f in facts if f[0] < horizon], horizon + WINDOW)
    up = 2 ** (WINDOW / HALF_LIFE)  # from `horizon + WINDOW` back to the horizon
    name = Keys(config.redis.prefix).keyword_version(version)
    connection.zadd(name, {key: s * up for key, s in seen.items()})
    return activate_baseline(config, version, horizon, mass * up, [1.0] * 24)


def test_batch_up_to_the_horizon_and_stream_after_it_make_no_jump(config: Config, redis_conn: redis.Redis) -> None:
    facts = some_facts(45)
    end = max(fact[0] for fact in facts)
    write(config, facts)
    for version in ("v1", "v1", "v2"):  # asked again, and run again
        assert publish(redis_conn, config, facts, START + 20, version)
        assert_state(redis_conn, config, facts, end)
    more = [(end + 3, f"u{n}", "coat") for n in range(7)]
    write(config, [*more, (START + 5, "late", "coat")])  # the second is before T: the batch layer's to count
    assert_state(redis_conn, config, facts + more, end + 3)


def test_what_only_batch_has_seen_is_added(config: Config, redis_conn: redis.Redis) -> None:
    facts, late = some_facts(45), [(START + 2, f"late{n}", "coat") for n in range(9)]
    write(config, facts)
    assert publish(redis_conn, config, facts + late, START + 20, "v1")
    assert_state(redis_conn, config, facts + late, max(fact[0] for fact in facts))


@pytest.mark.parametrize("horizon", [START + 40, START - 60, START + 10])
def test_a_horizon_that_does_not_meet_the_streams_counts_changes_nothing(
    config: Config, redis_conn: redis.Redis, horizon: int
) -> None:
    """Inside the window, beyond what is kept, older than the one that stands."""
    facts = some_facts(45)
    write(config, facts)
    assert publish(redis_conn, config, facts, START + 20, "v1")
    assert not publish(redis_conn, config, [(0, "u", "coat")], horizon, "v2")
    assert_state(redis_conn, config, facts, max(fact[0] for fact in facts))
