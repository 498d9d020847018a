"""A restart keeps the log of the run before."""

from pathlib import Path

from common.logs import keep_previous


def test_the_log_before_is_kept_and_the_one_before_that_goes(tmp_path: Path) -> None:
    log = tmp_path / "batch-a.b.log"
    kept = tmp_path / "batch-a.b.log.1"
    keep_previous(log)
    assert not kept.exists()
    for text in ("first", "second"):
        log.write_text(text)
        keep_previous(log)
        assert (log.exists(), kept.read_text()) == (False, text)
    keep_previous(log)
    assert kept.read_text() == "second"
