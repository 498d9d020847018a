"""As `tests/integration/test_parity.py`, on every row of the year."""

import pytest

from tests.integration.test_parity import (  # noqa: F401 (fixture and test)
    replayed,
    test_online_retail_stream_equals_batch_equals_pandas_also_after_kill_9_in_the_middle,
)


@pytest.fixture
def rows() -> int:
    return 541_909
