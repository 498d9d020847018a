"""Next item of a session: the serving code, popularity, and "recent items, then sequential rules" on anyone's data.

Protocol of session-rec (Ludewig & Jannach 2018): every prefix of every test session is a question, the item that came
next the only right one among 20. The model is fitted on the training file alone, written as the job writes it, mapped
and asked as the API asks it. `--train`: a session a line, oldest first; `--test`: prefix TAB next item; without them
`FOLDER` in STYLESTREAM_DATA is looked for.
"""

import gzip
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from bench import repeating, session_load
from bench.open_loop import percentile
from bench.report import Row, row
from bench.stack import Ask
from common.artifacts import Artifacts
from common.errors import ConfigError
from common.models.next_item_fit import LENGTH, Sessions, figures, fit
from common.models.session_model import SessionModel

SECTION, OURS, RULED = "next-item", "serving code", "recent items, then rules"
FOLDER, FILES, VERSION = "diginetica", ("train_sessions.tsv.gz", "test_prefix_target.tsv.gz"), "1"
P90_MS = 7.0  # of Serenade in Rust, at the rate of `bench.session_load`
RECALL, MRR, MS = 0.542, 0.195, 2.0  # targets; the figures of VS-kNN published for Diginetica:
PUBLISHED = {"Recall@20": 0.520, "MRR@20": 0.184}
MADE, MADE_QUICK = 20_000, 4_000  # sessions that repeat themselves
RULES_LAST = 10  # steps over which a rule counts, 1/steps
Question = tuple[list[str], str]
Answerer = Callable[[list[str]], list[str]]


def measure(ask: Ask) -> list[Row]:
    """Rows of this section; none without the two files."""
    files = given(ask)
    repeating_rows = on_repeating(ask)
    if files is None:
        ask.say(f"next-item: needs --train and --test (or {FOLDER}/ in STYLESTREAM_DATA), left out")
        return repeating_rows
    sessions, asked = read_sessions(files[0]), read_questions(files[1])
    asked = asked[:: 10 if ask.quick else 1]
    ask.say(f"fitting on {len(sessions)} sessions")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        began = time.monotonic()
        model = fitted(sessions, folder, ask.say)
        rows = [row(SECTION, "fit", time.monotonic() - began, "s")]
        ask.say(f"{len(asked)} questions to the serving code")
        rows += judged(OURS, lambda seen: [item for item, _ in model.candidates(seen, LENGTH).items], asked)
        rows += loaded(ask, folder, [seen for seen, _ in asked])
    ask.say("popularity and rules")
    rows += judged("popularity", popularity(sessions), asked)
    return repeating_rows + rows + judged(RULED, rules(sessions), asked)


def on_repeating(ask: Ask) -> list[Row]:
    """Beside the rules, which what is fitted must not be below, on sessions that repeat themselves (made)."""
    ask.say("fitting on sessions that repeat themselves")
    made = repeating.sessions(MADE_QUICK if ask.quick else MADE)
    train, asked = made[: -len(made) // 12], repeating.questions(made[-len(made) // 12 :], 4_000)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        model = fitted(train, folder, ask.say)
        ours = figures(ranked(lambda seen: [item for item, _ in model.candidates(seen, LENGTH).items], asked)[0])
    theirs = figures(ranked(rules(train), asked)[0])
    names = [f"repeating sessions: {figure}" for figure in PUBLISHED]
    rows = [row(SECTION, f"{OURS}, {name}", ours[n], "", theirs[n], True) for n, name in enumerate(names)]
    return rows + [row(SECTION, f"{RULED}, {name}", theirs[n], "") for n, name in enumerate(names)]


def given(ask: Ask) -> tuple[Path, Path] | None:
    """The two files: those named, or those of a folder that has both."""
    if ask.train is not None and ask.test is not None:
        return ask.train, ask.test
    folder = os.environ.get("STYLESTREAM_DATA")
    train, test = (Path(folder or ".") / FOLDER / name for name in FILES)
    return (train, test) if folder and ask.train is ask.test and train.is_file() and test.is_file() else None


def loaded(ask: Ask, folder: str, questions: list[list[str]]) -> list[Row]:
    """Latencies at the rate that is published for the reference."""
    ask.say(f"{session_load.RATE} questions a second to {session_load.PROCESSES} processes")
    seconds = session_load.QUICK_SECONDS if ask.quick else session_load.SECONDS
    taken = session_load.latencies(folder, VERSION, questions, seconds)
    what = f"{OURS}: {session_load.RATE} answers/s of {session_load.PROCESSES} processes"
    p50, p99 = (row(SECTION, f"{what}, p{share:.0f}", percentile(taken, share / 100), "ms") for share in (50, 99))
    return [p50, row(SECTION, f"{what}, p90", percentile(taken, 0.9), "ms", P90_MS) | {"published": P90_MS}, p99]


def fitted(sessions: list[list[str]], folder: str, say: Callable[[str], None]) -> SessionModel:
    """The model of the sessions, by way of an artifact."""
    names, flat = np.unique(np.array([item.encode() for session in sessions for item in session]), return_inverse=True)
    offsets = np.concatenate(([0], np.cumsum([len(session) for session in sessions])))
    model = fit(Sessions(offsets, flat, np.arange(len(sessions), dtype=float), len(names)), say=say)
    store = Artifacts(folder, "sessions", f"{folder}/cache")
    store.write(VERSION, [{"names": names, "ranking": model.weights, **model.index.arrays()}])
    return SessionModel.of(VERSION, store.open(VERSION).arrays)


def judged(name: str, answer: Answerer, asked: list[Question]) -> list[Row]:
    """Recall@20, MRR@20, and the milliseconds of an answer."""
    ranks, taken = ranked(answer, asked)
    recall, mrr = figures(ranks)
    ours = name == OURS
    rows = [
        row(SECTION, f"{name}: Recall@20", recall, "", RECALL if ours else None, True),
        row(SECTION, f"{name}: MRR@20", mrr, "", MRR if ours else None, True),
        row(SECTION, f"{name}: answer p50", percentile(taken, 0.5), "ms", MS if ours else None),
        row(SECTION, f"{name}: answer p99", percentile(taken, 0.99), "ms"),
    ]
    return [{**one, "published": PUBLISHED.get(one["name"].split(": ")[1])} if ours else one for one in rows]


def ranked(answer: Answerer, asked: list[Question]) -> tuple[list[int], list[float]]:
    """Of each question the target's place in the answer (0: not there) and the milliseconds it took."""
    ranks, taken = [], []
    for seen, target in asked:
        began = time.perf_counter()
        items = answer(seen)
        taken.append((time.perf_counter() - began) * 1000)
        ranks.append(items.index(target) + 1 if target in items else 0)
    return ranks, taken


def popularity(sessions: list[list[str]]) -> Answerer:
    """The same 20 for everybody."""
    top = [item for item, _ in Counter(item for session in sessions for item in session).most_common(LENGTH)]
    return lambda seen: top


def rules(sessions: list[list[str]]) -> Answerer:
    """The session's items, newest first, then what followed the last one, each time counting 1 / steps."""
    follow: dict[str, Counter[str]] = {}
    for session in sessions:
        for n, item in enumerate(session):
            after = follow.setdefault(item, Counter())
            for steps, other in enumerate(session[n + 1 : n + 1 + RULES_LAST], 1):
                after[other] += 1 / steps  # type: ignore[assignment]

    def answer(seen: list[str]) -> list[str]:
        followers = [item for item, _ in follow.get(seen[-1], Counter()).most_common(LENGTH + len(seen))]
        return list(dict.fromkeys([*reversed(seen), *followers]))[:LENGTH]

    return answer


def read_sessions(file: Path) -> list[list[str]]:
    """A session a line; `ConfigError` when the file cannot be read or holds none."""
    sessions = [line.split() for line in _lines("--train", file)]
    if not any(len(session) > 1 for session in sessions):
        raise ConfigError(f"--train {file}: no line with two items")
    return [session for session in sessions if session]


def read_questions(file: Path) -> list[Question]:
    """(prefix, next item) a line; `ConfigError` naming the first line that is none."""
    asked = []
    for number, line in enumerate(_lines("--test", file), 1):
        prefix, _, target = line.rstrip("\n").partition("\t")
        if not prefix.split() or len(target.split()) != 1:
            raise ConfigError(f"--test {file}: line {number} is not 'items TAB next item'")
        asked.append((prefix.split(), target.strip()))
    if not asked:
        raise ConfigError(f"--test {file}: no line")
    return asked


def _lines(option: str, file: Path) -> Iterable[str]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            return list(lines)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigError(f"{option} {file}: cannot be read as gzip ({error})") from None
