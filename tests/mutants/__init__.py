"""Single edits of the code, each of which some test must fail: `python -m tests.mutants` (`make mutants`).

A subject is a module of this package with a tuple `MUTANTS`; `SUBJECTS` lists them.
"""

SUBJECTS = ("sinks", "readers", "streams", "batch")
