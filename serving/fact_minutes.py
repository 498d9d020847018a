"""Rankings at past minutes out of the minute facts in Redis: blocking, for a thread of its own.

Which minutes are read and how they count: `common.views.past`. What is read is the same for all that is asked for in a
call, so ranking, ranking of an hour before and views cost one walk. A merge in that moment may show in it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from common.config import Config, RankingConfig
from common.duration import duration_ms
from common.keys import ALL, Keys
from common.views.past import Recipe, Standing, contributed, recipe, rows, total
from common.views.rankings import decay_factor, part

Asked = Sequence[tuple[RankingConfig, int]]
Hashes = list[tuple[int, dict[bytes, bytes]]]
MINUTES_AT_ONCE = 10  # a round trip: Redis must answer others in between
LOOKED_AT_ONCE = 500
TRIES = 5


@dataclass(frozen=True)
class FactMinutes:
    """`client` is a blocking one, for threads."""

    config: Config
    client: Any

    def standings(self, ask: Callable[[int], Asked], least_work: bool = False) -> tuple[int, list[Standing]] | None:
        """(newest minute, one standing for each (ranking, minute) that `ask` names, given the newest minute).

        None when Redis holds no facts, or not those that are needed. Redis errors when Redis does not answer.
        """
        keys = Keys(self.config.redis.prefix)
        for _ in range(TRIES):
            known = self.client.get(keys.as_of)
            if known is None:
                return None
            as_of = int(known)
            reach = as_of - self.config.rankings.retention_hours * 60
            asked = ask(as_of)
            recipes = [recipe(ranking, at, as_of, reach, least_work) for ranking, at in asked]
            minutes = sorted({minute for made in recipes for minute in made.counted})
            if minutes and minutes[0] < reach:
                return None
            found = self._sum(keys, as_of, asked, recipes, minutes)
            if found is not None:
                break
        return (as_of, found) if found is not None else None

    def reach_back_to(self, minute: int) -> bool:
        """Whether there are facts of `minute` or before: then a later minute without any was a quiet one."""
        keys, hours = Keys(self.config.redis.prefix), self.config.rankings.retention_hours
        minutes = iter(range(minute, minute - hours * 60, -1))
        while chunk := list(islice(minutes, LOOKED_AT_ONCE)):
            if self.client.exists(*[keys.item_fact(one) for one in chunk]):
                return True
        return False

    def _sum(
        self, keys: Keys, as_of: int, asked: Asked, recipes: list[Recipe], minutes: list[int]
    ) -> list[Standing] | None:
        """None when time has moved on meanwhile."""
        late = math.ceil(duration_ms(self.config.streaming.watermark) / 60_000)
        is_open = as_of - late - 1
        definitions = self.config.rankings.definitions
        counted = [(made.counted, part(of, definitions)) for made, (of, _) in zip(recipes, asked, strict=True)]
        settled = iter([minute for minute in minutes if minute < is_open])
        sums = [contributed([], counted)]
        while chunk := list(islice(settled, MINUTES_AT_ONCE)):
            sums.append(contributed(self._hashes(keys, chunk), counted))
        # What stands now and the minutes that still change, as of one moment.
        current = [ranking for (ranking, _), made in zip(asked, recipes, strict=True) if made.current]
        newest, hashes, scores = self._moment(keys, [m for m in minutes if m >= is_open], current)
        if newest != as_of:
            return None
        sums.append(contributed(hashes, counted))
        for n, (made, (ranking, _)) in enumerate(zip(recipes, asked, strict=True)):
            if made.current:
                landmark, standing = scores[ranking.name]
                factor = made.current * decay_factor(ranking, as_of, landmark)
                sums.append(_standing_now(standing, factor, n, len(asked)))
        summed = total(sums)
        return [Standing(summed, n) for n in range(len(asked))]

    def _hashes(self, keys: Keys, minutes: list[int]) -> Hashes:
        with self.client.pipeline(transaction=False) as pipe:
            for minute in minutes:
                pipe.hgetall(keys.item_fact(minute))
                pipe.hgetall(keys.over(minute))
            return list(zip((minute for minute in minutes for _ in range(2)), pipe.execute(), strict=True))

    def _moment(
        self, keys: Keys, minutes: list[int], rankings: list[RankingConfig]
    ) -> tuple[int | None, Hashes, dict[str, tuple[int | None, list[tuple[bytes, float]]]]]:
        with self.client.pipeline(transaction=True) as pipe:
            pipe.get(keys.as_of)
            for ranking in rankings:
                pipe.get(keys.landmark(ranking.name))
                pipe.zrange(keys.ranking(ranking.name, ALL), 0, -1, withscores=True)
            for minute in minutes:
                pipe.hgetall(keys.item_fact(minute))
                pipe.hgetall(keys.over(minute))
            answers: Iterator[Any] = iter(pipe.execute())
        newest = next(answers)
        scores = {}
        for ranking in rankings:
            landmark = next(answers)
            scores[ranking.name] = (None if landmark is None else int(landmark), next(answers))
        hashes = list(zip((minute for minute in minutes for _ in range(2)), answers, strict=True))
        return None if newest is None else int(newest), hashes, scores


def _standing_now(standing: list[tuple[bytes, float]], factor: float, n: int, columns: int) -> pa.Table:
    """Scores times `factor` as the n-th column of `rows`."""
    members = pa.array([name for name, _ in standing], pa.string())
    scores = np.array([score for _, score in standing], dtype=np.float64) * factor
    none = pa.array(np.zeros(len(standing)))
    return rows(members, [pa.array(scores) if n == column else none for column in range(columns)])
