"""Session nearest neighbours: the sessions most like this one, and what stood in them around what is the same.

A session's similarity to a stored one: Σ over the items both have of 0.8^(items seen since) · √rarity, divided by
√(length of the stored one), times its age's weight; the `NEIGHBOURS` most similar count. An item of a neighbour, n
places after the newest item that both have, gets similarity · fade^(n − 1), n places before it `BACKWARDS` of that
(VMIS-kNN: Kersbergen et al., SIGMOD 2022; position weights: STAN, Garg et al., SIGIR 2019).
"""

from dataclasses import dataclass

import numpy as np

from common.models.session_index import SessionIndex
from common.models.sparse_rows import Floats, Ints, ranges

SEEN_FADE = 0.8
BACKWARDS = 0.6
NEIGHBOURS = 500


@dataclass(frozen=True)
class Fresh:
    """Sessions newer than the index, flat as there: item numbers may lie beyond the index's."""

    offsets: Ints
    items: Ints


NONE = Fresh(np.zeros(1, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True)
class Neighbours:
    """Every item of every neighbour: its number, the neighbour's similarity, places after what both have (never 0)."""

    items: Ints
    similarity: Floats
    distance: Ints

    def faded(self, fade: float) -> Floats:
        """What each adds to its item's score."""
        side = np.where(self.distance > 0, 1.0, BACKWARDS)
        return np.asarray(self.similarity * side * fade ** (np.abs(self.distance) - 1.0))


def neighbours(index: SessionIndex, seen: Ints, rarity: Floats, fresh: Fresh = NONE) -> Neighbours:
    """`seen`: distinct items, newest first, with their rarity."""
    strength = SEEN_FADE ** np.arange(len(seen)) * np.sqrt(rarity)
    known = np.flatnonzero(seen < index.n_items)
    starts = index.posting_offsets[seen[known]]
    lengths = index.posting_offsets[seen[known] + 1] - starts
    where = ranges(starts, lengths)
    old = _similar(index.postings[where], index.places[where], np.repeat(known, lengths), strength)
    parts = [_around(index.offsets, index.items, *_nearest(index, *old))]
    if len(fresh.items):
        parts.append(_around(fresh.offsets, fresh.items, *_similar_fresh(fresh, seen, strength)))
    items, similarity, distance = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Neighbours(items, similarity, distance)


def _similar(session: Ints, place: Ints, rank: Ints, strength: Floats) -> tuple[Ints, Floats, Ints]:
    """Sessions, their summed strength, and where the newest item of the query stands in each."""
    found, at = np.unique(session, return_inverse=True)
    total = np.asarray(np.bincount(at, strength[rank], len(found)), float)
    matched = np.zeros(len(found), np.int64)
    matched[at[::-1]] = place[::-1]  # ranks ascend: the newest is written last
    return found, total, matched


def _nearest(index: SessionIndex, session: Ints, total: Floats, matched: Ints) -> tuple[Ints, Floats, Ints]:
    lengths = index.offsets[session + 1] - index.offsets[session]
    total = total * index.weights[session] / np.sqrt(lengths)
    if len(session) > NEIGHBOURS:
        best = np.argpartition(-total, NEIGHBOURS)[:NEIGHBOURS]
        return session[best], total[best], matched[best]
    return session, total, matched


def _similar_fresh(fresh: Fresh, seen: Ints, strength: Floats) -> tuple[Ints, Floats, Ints]:
    lengths = np.diff(fresh.offsets)
    session = np.repeat(np.arange(len(lengths)), lengths)
    order = np.argsort(seen)
    rank = order[np.minimum(np.searchsorted(seen, fresh.items, sorter=order), len(seen) - 1)]
    hit = np.flatnonzero(seen[rank] == fresh.items)[::-1]  # an item that stands twice counts where it stood last
    _, first = np.unique(session[hit] * len(seen) + rank[hit], return_index=True)
    hit = hit[first]
    hit = hit[np.argsort(rank[hit], kind="stable")]
    place = hit - fresh.offsets[session[hit]]
    found, total, matched = _similar(session[hit], place, rank[hit], strength)
    return found, total / np.sqrt(lengths[found]), matched


def _around(offsets: Ints, items: Ints, session: Ints, total: Floats, matched: Ints) -> tuple[Ints, Floats, Ints]:
    lengths = offsets[session + 1] - offsets[session]
    where = ranges(offsets[session], lengths)
    distance = where - np.repeat(offsets[session] + matched, lengths)
    other = distance != 0
    return items[where][other], np.repeat(total, lengths)[other], distance[other]
