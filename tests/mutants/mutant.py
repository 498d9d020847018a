"""What a mutant is, and the tree of files that it is put into."""

import importlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutants import SUBJECTS

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Mutant:
    """In `file`, `before` becomes `after`; one of `tests` (arguments of pytest, apart by blanks) has to fail then.

    `before` occurs exactly once in the file. `survives` says why no test can fail, where that is so.
    """

    file: str
    before: str
    after: str
    tests: str
    survives: str = ""

    def mutated(self, text: str) -> str:
        """The file's text with the edit. ValueError where `before` does not occur exactly once."""
        if (times := text.count(self.before)) != 1:
            raise ValueError(f"{self.file}: occurs {times} times, not once: {self.before!r}")
        return text.replace(self.before, self.after)

    @property
    def label(self) -> str:
        """The edit in a line."""
        edit = f"{' '.join(self.before.split())} -> {' '.join(self.after.split()) or '(nothing)'}"
        return f"{self.file}: {edit if len(edit) <= 110 else edit[:107] + '...'}"


def mutants_of(subject: str) -> tuple[Mutant, ...]:
    """The table of a subject. ValueError where there is no such subject."""
    if subject not in SUBJECTS:
        raise ValueError(f"no subject {subject!r}; there are: {', '.join(SUBJECTS)}")
    table: tuple[Mutant, ...] = importlib.import_module(f"tests.mutants.{subject}").MUTANTS
    return table


def copy_tree(target: Path) -> None:
    """The files that git knows, as they are now, and those it would add."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)


@contextmanager
def applied(mutant: Mutant, tree: Path) -> Iterator[None]:
    """The tree has the edit while the block runs."""
    file = tree / mutant.file
    text = file.read_text(encoding="utf-8")
    file.write_text(mutant.mutated(text), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")
