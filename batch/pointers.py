"""The pointers of all models but ALS, by kind."""

from collections.abc import Mapping

from batch import ctr_runs, related_versions, session_versions
from batch.pointer import Pointer
from batch.registry import Kind

POINTERS: Mapping[Kind, Pointer] = {
    one.kind: one for one in (ctr_runs.POINTER, session_versions.POINTER, related_versions.POINTER)
}
