"""Messages that are nearly events: what clients send, and what readers of JSON disagree about.

`message(random)` makes one from a seed, so that a failure is repeated by its number. `SEEDS` are those that were once
read in two ways, or are a rule's edge.
"""

import json
from random import Random
from typing import Any

from common import events as contract
from tests.fuzz.edges import CARDS, COMPOSED, IDS, INTEGERS, OBJECTS, PRICES

NOW_MS = 1_795_435_200_000  # 2026-11-23T12:00:00Z
EVENT: dict[str, Any] = {
    "event_id": "a",
    "event_type": "view",
    "event_time": "2026-11-23T11:59:00Z",
    "user_id": "u",
    "item_id": "i",
    "category": "women/shoes",
    "price": 1.5,
    "quantity": 1,
    "query": "coat",
    "surface": "now",
    "position": 3,
    "order_id": "o",
}
RAW = [
    *(
        "null",
        "true",
        "0",
        "-0",
        "-0.0",
        "1",
        "1.0",
        "2e0",
        "1.50e3",
        "1e2",
        "1E400",
        "1e-400",
        "0.1",
        "12345678901234567890",
    ),
    *("18446744073709551617", "9" * 38, "9" * 39, "1" * 1000, "1" * 1001, "1." + "1" * 999, "1." + "1" * 1000),
    *("NaN", "Infinity", "-Infinity", "01", "+1", ".5", "1.", "0x10", "''", "'a'", "undefined", "1_000"),
    *(
        '"/"',
        '"//"',
        '"/a"',
        '"a/"',
        '"a//b"',
        '"//a///b c//"',
        '"/[x"',
        '"/*"',
        '"/ "',
        '" /"',
        '"/\u3164/"',
        '"a/ /b"',
    ),
    *(
        '"' + "/" * 64 + '"',
        '"' + "/" * 65 + '"',
        '"/' + "x" * 63 + '"',
        '"/' + "x" * 64 + '"',
        '"\\/\\/a"',
        '"\\/\\u005bx"',
    ),
    *("[]", "{}", "[1 , 2]", '{"a":1,"a":2}', '{"a":{"b":[{"c":1}]}}', "[" * 15 + "]" * 15, "[" * 16 + "]" * 16),
    *("[" * 1200 + "]" * 1200, "[" * 30 + "]" * 29, '["[", "]"]'),
    *(
        '""',
        '" "',
        '"\\u3164"',
        '"\\u2800\\u200b"',
        '"\u3164"',
        '"\u0301"',
        '"a\\u0000b"',
        '"a\\nb"',
        '"a\nb"',
        '"\x7f"',
    ),
    *('"\\ud83d"', '"\\ude00"', '"\\ud83d\\ude00"', '"\\ude00\\ud83d"', '"\\\\ud83d"', '"\\\\\\ud83d"', '"\\uD83Dx"'),
    *('"\\x"', '"\\u12"', '"\\""', '"\\\\"', '"\\/"', '"[1]"', '"{x"', '"*"', '"\\u005bx"', '"\u00e9"', '"e\u0301"'),
    *('"4111111111111111"', '"4111 1111 1111 1111"', '"4111-1111 1111-1111"', '"\\u0034111111111111111"'),
    *('"4111111111111112"', "4111111111111111", '"x4111111111111111"', '"\\n4111111111111111"', '"378282246310005"'),
    *('"\\uac004111111111111111"', '"30569309025904"', '"2026112900000001"', '"1790000000000000002"'),
    *(
        '"' + "x" * 64 + '"',
        '"' + "x" * 65 + '"',
        '"' + "\ud55c" * 64 + '"',
        '"' + "\ud55c" * 65 + '"',
        '"' + "q" * 200 + '"',
    ),
    *('"' + "q" * 201 + '"', '"1e2"', '"NaN"', '"1d"', '" 5"', '"+5"', '"1.5"', '"100000000"', '"100000001"', '"-1"'),
    *('"2026-11-23T12:05:00Z"', '"2026-11-23T12:05:00.001Z"', '"2026-11-23T12:00:00.001Z"', '"2026-02-30T00:00:00Z"'),
    *('"2099-01-01T00:00:00Z"', '"2001-01-01T00:00:00Z"', '"1999-12-31T23:59:59.999Z"', '"2026-11-23 20:59:00+09:00"'),
    *('"2026-11-23t11:59:00.1234567z"', '"2026-11-23T11:59:60Z"', '"2026-11-23T24:00:00Z"', '"2026-11-23T11:59:00"'),
    *(json.dumps(name) for name in contract.EVENT_TYPES),
]
RAW += PRICES
PAYMENTS = [
    *('"x"', "[]", "{}", '{"amount":5.25}', '{"amount":"5"}', '{"amount":-1}', '{"amount":1e9}', '{"amount":1e10}'),
    *(
        '{"card_token":"tok"}',
        '{"card_token":"tok","card_token":"4111111111111111"}',
        '{"card_token":4111111111111111}',
    ),
    *('{"card_token":"1234567890123"}', '{"method":"card","card":"4111 1111 1111 1111"}', '{"currency":"GBPX"}'),
    *(
        '{"currency":"\\ud55c\\uae00\\uc6d0"}',
        '{"method":[1]}',
        '"{\\"amount\\":5}"',
        '{"ip":"::1","device_id":"\uae30\uae30"}',
    ),
]
NAMES = (*contract.FIELD_NAMES, "payment", "properties", "extra", "")
TAILS = [
    b"",
    b" ",
    b"\n",
    b"\r\n\t",
    b" xyz",
    b"\n{}",
    b",{}",
    b"],[{}",
    b'},{"r":1',
    b"\x00",
    b"}",
    b"\xef\xbb\xbf",
    b"/**/",
]
HEADS = [b"", b" ", b"\n", b"\xef\xbb\xbf", b"\x0c", b"[", b"/**/", b"\x00"]
ENCODINGS = ["utf-8", "utf-16", "utf-16-le", "utf-32", "latin-1"]


def message(random: Random) -> bytes:
    """An event with some members changed, doubled, added or left out, then perhaps spoiled as bytes."""
    members = [(json.dumps(name), json.dumps(value)) for name, value in EVENT.items()]
    if random.random() < 0.3:
        members.append(('"payment"', random.choice(PAYMENTS)))
        if random.random() < 0.8:
            members[1] = ('"event_type"', '"payment"')
    for _ in range(random.choice([0, 1, 1, 1, 2, 4])):
        _change(members, random)
    random.shuffle(members)
    comma, colon = random.choice([(",", ":"), (", ", ": "), ("\n,\t", " :\r\n ")])
    text = "{" + comma.join(name + colon + value for name, value in members) + "}"
    return _spoiled(text, random)


def _change(members: list[tuple[str, str]], random: Random) -> None:
    place = random.randrange(len(members))
    name, value = members[place]
    chance = random.random()
    if chance < 0.6:
        members[place] = (name, random.choice(RAW))
    elif chance < 0.7:
        members.append((name, random.choice(RAW)))
    elif chance < 0.75:
        escaped = '"' + "".join(f"\\u{ord(sign):04x}" for sign in name.strip('"')) + '"'
        members[place] = (escaped, value)
    elif chance < 0.8:
        members.pop(place)
    elif chance < 0.9:
        members.append((json.dumps(random.choice(NAMES)), random.choice(RAW)))
    else:
        inner = ",".join(f"{json.dumps(random.choice(NAMES))}:{random.choice(RAW)}" for _ in range(random.randrange(3)))
        members.append((random.choice(['"properties"', '"extra"']), "{" + inner + "}"))


def _spoiled(text: str, random: Random) -> bytes:
    chance = random.random()
    if chance < 0.75:
        return text.encode()
    if chance < 0.83:
        return random.choice(HEADS) + text.encode() + random.choice(TAILS)
    if chance < 0.86:
        return text.encode(random.choice(ENCODINGS), "replace")
    raw = bytearray(text.encode())
    place = random.randrange(len(raw))
    if chance < 0.9:
        raw[place] = random.randrange(256)
    elif chance < 0.94:
        del raw[place]
    elif chance < 0.97:
        raw.insert(place, random.randrange(256))
    else:
        del raw[place:]
    return bytes(raw)


def _event(**changes: str) -> bytes:
    """The event with members replaced or added, as JSON texts."""
    members = {name: json.dumps(value) for name, value in EVENT.items()} | changes
    return ("{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members.items()) + "}").encode()


PLAIN = _event()
SEEDS = [
    *(b"", b"nope", b"[]", b"{}", b'"x"', b"null", b"123", b'{"a":1}', b'{"x":{}}', b"\xff\xfe", b'{"event_id":"a"'),
    *(PLAIN + tail for tail in TAILS),
    *(head + PLAIN for head in HEADS),
    *(PLAIN.decode().encode(encoding) for encoding in ENCODINGS),
    PLAIN + b"\n" + PLAIN,
    PLAIN + b"],[" + PLAIN,
    PLAIN + b'},{"r":' + PLAIN,
    b" " * (contract.MAX_BYTES - len(PLAIN)) + PLAIN,
    b" " * (contract.MAX_BYTES - len(PLAIN) + 1) + PLAIN,
    *(
        _event(**{name: value})
        for name in ("user_id", "price", "query", "quantity", "extra", "category")
        for value in RAW
    ),
    *(_event(event_type='"payment"', payment=payment) for payment in PAYMENTS),
    *(_event(payment=payment) for payment in PAYMENTS),
    PLAIN.replace(b'"price"', b'"price":5,"price"'),
    PLAIN.replace(b"coat", b"co\xffat"),
    *(
        PLAIN.replace(b"2026-11-23T11:59:00Z", moment)
        for moment in (
            b"-290308-12-21T19:59:05.224192Z",
            b"0000-01-01T00:00:00Z",
            b"0001-01-01T00:00:00Z",
            b"294247-01-10T04:00:54Z",
            b"2026-11-23T11:59:00.1234567890Z",
            b"2026-11-23T11:59:00+0000",
            b"2026-11-23T11:59:00-00:00",
            b"2026-11-24T01:59:00+14:00",
        )
    ),
    *(_event(category=f'"{text}"') for text in COMPOSED),
    *(_event(extra=card) for card in CARDS),
    *(_event(**{name: value}) for name in ("quantity", "position") for value in INTEGERS),
    *(_event(category=card) for card in CARDS),
    *(_event(**{name: value}) for name in ("event_id", "user_id", "session_id", "device", "query") for value in IDS),
    *(_event(event_type='"payment"', payment='{"method":' + value + "}") for value in IDS),
    *(_event(category=text, item_id='""') for text in ('"/"', '""')),
    *(_event(**{name: value}) for name in ("properties", "payment", "extra") for value in OBJECTS),
    *(_event(event_type='"payment"', payment=value) for value in OBJECTS),
    _event(extra="3", properties='{"extra":1,"other":2}'),
    _event(extra='{"properties":{},"payment":{}}', properties="[1]"),
    *(_event(price=value) for value in PRICES),
    *(_event(event_type='"payment"', payment='{"amount":' + value + "}") for value in PRICES),
]
