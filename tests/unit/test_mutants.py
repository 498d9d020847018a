"""The tables of mutants do not rot: each edit can still be made, and names tests that exist."""

import pytest

from tests.mutants import SUBJECTS
from tests.mutants.mutant import ROOT, Mutant, mutants_of

EVERY = [mutant for subject in SUBJECTS for mutant in mutants_of(subject)]


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: mutant.label)
def test_a_mutants_text_occurs_once_in_its_file_and_its_tests_exist(mutant: Mutant) -> None:
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutant.mutated(text) != text
    for name in mutant.tests.split():
        file, _, test = name.partition("::")
        assert f"def {test}" in (ROOT / file).read_text(encoding="utf-8")


def test_no_mutant_stands_twice() -> None:
    assert len({(mutant.file, mutant.before, mutant.after) for mutant in EVERY}) == len(EVERY)


@pytest.mark.parametrize("text", ["", "a b a"])
def test_a_text_that_does_not_occur_exactly_once_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not once"):
        Mutant("file", "a", "b", "tests").mutated(text)


def test_a_subject_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="no subject 'nothing'"):
        mutants_of("nothing")
