"""`python -m tests.mutants [SUBJECT…] [--list]`: whether the tests notice each mutant of the subjects, all by default.

Ends with a table. Exit 0 where 90 % of the mutants are killed and every survivor has a reason, 1 where not, 2 where
the tests do not even pass, or run, without a mutant.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.mutants import SUBJECTS
from tests.mutants.mutant import Mutant, copy_tree, mutants_of
from tests.mutants.runner import Runner, Verdict

ENOUGH = 0.9


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("subjects", metavar="SUBJECT", nargs="*", help=f"any of: {', '.join(SUBJECTS)}")
    parser.add_argument("--list", action="store_true", help="only name the mutants")
    options = parser.parse_args(arguments)
    try:
        tables = {subject: mutants_of(subject) for subject in options.subjects or SUBJECTS}
    except ValueError as error:
        parser.error(str(error))
    if options.list:
        print(*(f"{subject} {mutant.label}" for subject, table in tables.items() for mutant in table), sep="\n")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped then as well
    try:
        verdicts = judged(tables)
    except (RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(table_of(verdicts)))
    everything = [verdict for part in verdicts.values() for verdict in part]
    killed = sum(verdict.killed for verdict in everything)
    unexplained = [v for v in everything if not v.killed and not v.mutant.survives]
    return 0 if killed >= ENOUGH * len(everything) and not unexplained else 1


def judged(tables: dict[str, tuple[Mutant, ...]]) -> dict[str, list[Verdict]]:
    """The verdicts by subject; a line for each as it is known."""
    verdicts: dict[str, list[Verdict]] = {subject: [] for subject in tables}
    total, number = sum(map(len, tables.values())), 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder, "tree")
        copy_tree(tree)
        runner = Runner(tree, Path(folder, "servers"))
        try:
            for subject, table in tables.items():
                for mutant in table:
                    verdict = runner.judge(mutant)
                    verdicts[subject].append(verdict)
                    number += 1
                    label = f"[{number}/{total}] {verdict.text:8} {verdict.seconds:5.0f} s"
                    print(f"{label}  {subject} {mutant.label}", flush=True)
        finally:
            runner.stop()
    return verdicts


def table_of(verdicts: dict[str, list[Verdict]]) -> list[str]:
    """The lines of the table at the end: each subject, all, and who survived."""
    lines = ["", f"{'subject':12} {'mutants':>7} {'killed':>6} {'%':>6}"]
    everything = [verdict for part in verdicts.values() for verdict in part]
    for name, part in [*verdicts.items(), ("all", everything)]:
        killed = sum(verdict.killed for verdict in part)
        lines.append(f"{name:12} {len(part):7} {killed:6} {100 * killed / max(len(part), 1):6.1f}")
    for verdict in everything:
        if not verdict.killed:
            lines.append(f"{verdict.text}: {verdict.mutant.label}: {verdict.mutant.survives or 'no reason given'}")
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
