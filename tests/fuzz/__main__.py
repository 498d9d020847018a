"""`make fuzz`: reads many messages by both readers of the event contract; exit code 1 where they differ."""

import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from common.session import build_session
from common.validate import Rejection, read_event
from tests.conftest import for_tests
from tests.fuzz.agreement import differences
from tests.fuzz.messages import NOW_MS, SEEDS, message

MESSAGES, AT_ONCE = 100_000, 5000


def main(total: int) -> int:
    """Reads the seeds and `total` messages; prints how many were valid, why others were refused, and what differs."""
    verdicts: Counter[str] = Counter()
    apart = 0
    with tempfile.TemporaryDirectory() as folder:
        spark = build_session(for_tests(Path(folder)), "fuzz")
        for first in range(0, total, AT_ONCE):
            messages = [message(Random(seed)) for seed in range(first, min(first + AT_ONCE, total))]
            messages += SEEDS if first == 0 else []
            for line in differences(spark, messages):
                apart += 1
                print(line)
            verdicts.update(_verdict(read_event(raw, NOW_MS)) for raw in messages)
            print(f"{sum(verdicts.values()):>8,} messages, {apart} read in two ways", flush=True)
        spark.stop()
    for verdict, count in verdicts.most_common():
        print(f"{count:>8,} {verdict}")
    return int(apart > 0)


def _verdict(read: object) -> str:
    return str(read)[:90] if isinstance(read, Rejection) else "valid"


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES))
