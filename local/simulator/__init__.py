"""A fashion shop whose truth is known: the same seed, start and run id give byte-identical messages."""
