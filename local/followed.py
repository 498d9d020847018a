"""What another process adds to its log, line by line."""

from pathlib import Path

MOST = 65_536


class Followed:
    """A file that grows. `news()` gives the lines completed since the last call, none while it is not there."""

    def __init__(self, file: Path) -> None:
        self._file, self._read = file, 0

    def news(self) -> list[str]:
        """New complete lines, without line ends; at most `MOST` bytes at once."""
        try:
            with self._file.open("rb") as opened:
                opened.seek(self._read)
                new = opened.read(MOST)
        except OSError:
            return []
        complete = new[: new.rfind(b"\n") + 1] if len(new) < MOST or b"\n" in new else new
        self._read += len(complete)
        return complete.decode("utf-8", "replace").splitlines()
