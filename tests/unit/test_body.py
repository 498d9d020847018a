"""Bodies as they are unpacked: bounded in memory and time, whole or refused with what is wrong."""

import gzip
import random
import tracemalloc
import zlib
from typing import Any

import pytest
from starlette.requests import Request

from serving.body import MOST_MEMBERS, Gunzip, packed, refuse_other_charsets
from serving.errors import ApiError

TEXT = b'{"event_id": "e-1"}' * 50
LIMIT = len(TEXT)


def gunzip(body: bytes, limit: int = LIMIT, at_once: int = 65_536) -> bytes:
    unpack = Gunzip(limit)
    parts = [unpack.more(body[place : place + at_once]) for place in range(0, len(body), at_once)]
    unpack.end()
    return b"".join(parts)


@pytest.mark.parametrize("at_once", [1, 7, 65_536])
def test_what_was_packed_comes_out_however_it_arrives(at_once: int) -> None:
    assert gunzip(gzip.compress(TEXT), at_once=at_once) == TEXT
    assert gunzip(gzip.compress(TEXT[:9]) + gzip.compress(b"") + gzip.compress(TEXT[9:]), at_once=at_once) == TEXT
    assert gunzip(gzip.compress(b""), at_once=at_once) == b""


@pytest.mark.parametrize("at_once", [1, 65_536])
def test_the_limit_counts_what_is_unpacked(at_once: int) -> None:
    with pytest.raises(ApiError) as refused:
        gunzip(gzip.compress(TEXT), LIMIT - 1, at_once)
    assert (refused.value.status, str(LIMIT - 1) in str(refused.value)) == (413, True)
    noise = random.Random(5).randbytes(100_000)
    assert len(gzip.compress(noise)) > len(noise)
    assert gunzip(gzip.compress(noise), len(noise), 4096) == noise


def test_a_bomb_is_cut_off_while_it_is_unpacked() -> None:
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(pack.compress(bytes(1 << 20)) for _ in range(300)) + pack.flush()
    assert len(bomb) < 400_000
    tracemalloc.start()
    try:
        with pytest.raises(ApiError) as refused:
            gunzip(bomb, 1 << 20, len(bomb))
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()
    assert refused.value.status == 413


def changed(place: int) -> bytes:
    body = bytearray(gzip.compress(TEXT))
    body[place] ^= 0x55
    return bytes(body)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "it is empty"),
        (TEXT, "incorrect header check"),
        (zlib.compress(TEXT), "incorrect header check"),
        (gzip.compress(TEXT)[:-1], "ends too early"),
        (gzip.compress(TEXT)[:5], "ends too early"),
        (changed(-5), "incorrect data check"),
        (changed(-1), "incorrect length check"),
        (changed(12), "invalid"),
        (gzip.compress(TEXT) + b"more", "incorrect header check"),
        (gzip.compress(b"") * (MOST_MEMBERS + 1), "more than 100 members"),
    ],
    # The bytes hold the second of packing, and two workers must collect the same names.
    ids=["empty", "plain", "zlib", "short", "cut", "data", "length", "block", "tail", "members"],
)
def test_damaged_gzip_is_400_that_says_what_is_wrong(body: bytes, what: str) -> None:
    with pytest.raises(ApiError) as refused:
        gunzip(body, 1 << 20)
    assert (refused.value.status, refused.value.code) == (400, "malformed_gzip")
    assert what in str(refused.value)


def request(*encodings: str) -> Request:
    headers: Any = [(b"content-encoding", encoding.encode()) for encoding in encodings]
    return Request({"type": "http", "headers": headers})


def test_gzip_is_the_one_encoding() -> None:
    assert [packed(request(*given)) for given in ((), ("",), ("identity",), ("gzip",), (" GZip",), ("x-gzip",))] == [
        False, False, False, True, True, True,
    ]  # fmt: skip
    for given in (("br",), ("deflate",), ("gzip, gzip",), ("gzip", "br"), ("zstd",)):
        with pytest.raises(ApiError) as refused:
            packed(request(*given))
        assert (refused.value.status, refused.value.headers) == (415, {"Accept-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        ("", True),
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ('text/plain;charset="UTF8"', True),
        ("application/json; charset=", False),
        ("application/json; charset=utf-16", False),
        ("text/plain; x=y; CHARSET=ISO-8859-1", False),
        ("application/json; charset*=utf-8''utf-16", False),
    ],
)
def test_utf_8_is_the_one_charset(content_type: str, taken: bool) -> None:
    if taken:
        refuse_other_charsets(content_type)
        return
    with pytest.raises(ApiError) as refused:
        refuse_other_charsets(content_type)
    assert (refused.value.status, refused.value.code) == (415, "unsupported_media_type")
