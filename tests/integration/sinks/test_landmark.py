"""The landmark of the forward decay moves on without changing what a ranking says, at whatever span."""

from collections import Counter

import pytest
import redis

from common.config import Config
from common.config_load import load_config
from common.keys import Keys, member
from tests.integration.item_rows import write_rows
from tests.integration.sinks.views_of import HOUR, decayed, decayed_in_redis, item_row

DECAYS = {r.name: r.minutes for r in load_config(env={}).rankings.definitions if r.kind == "decay"}
# In half-lives: none whole, each past 200 from the landmark moves it; little before each stands something that counts.
SPANS = (0.0, 0.43, 150.29, 199.87, 200.93, 201.71, 203.37, 402.83, 403.61, 611.19)


@pytest.mark.parametrize("name", sorted(DECAYS))
def test_scores_are_the_closed_formula_before_and_after_the_landmark_has_moved(
    config: Config, redis_conn: redis.Redis, name: str
) -> None:
    half_life = DECAYS[name]
    counts: Counter[tuple[str, int]] = Counter()
    for n, span in enumerate(SPANS):
        minute = HOUR + round(span * half_life) + 1
        write_rows(config, [item_row(f"i{n}", minute, n + 1), item_row("all", minute, 2)])
        counts[member("c", f"i{n}"), minute], counts[member("c", "all"), minute] = n + 1, 2
        expected = {key: score for key, score in decayed(counts, minute, half_life).items() if score > 1e-12}
        for scope in ("*", "c"):
            scores = decayed_in_redis(redis_conn, config, name, minute, half_life, scope)
            assert {k: v for k, v in scores.items() if v > 1e-12} == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", sorted(DECAYS))
def test_the_landmark_moves_by_whole_half_lives_to_the_last_before_as_of(
    config: Config, redis_conn: redis.Redis, name: str
) -> None:
    half_life, landmark = DECAYS[name], Keys(config.redis.prefix).landmark(name)
    write_rows(config, [item_row("i", HOUR, 1)])
    for span, wanted in ((200.93, 0), (201.37, 201), (401.93, 201), (402.07, 402)):
        write_rows(config, [item_row("i", HOUR + round(span * half_life), 1)])
        assert int(redis_conn.get(landmark) or 0) == HOUR + wanted * half_life
