"""The embedded Kafka: one broker and controller in KRaft mode, on loopback, data in the state folder."""

import base64
import subprocess
import uuid
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from common.errors import UnavailableError
from local.jars import broker_folder, fetch_broker
from local.java import require_java
from local.process import LOOPBACK, any_port, choose_port, log_tail, start

USUAL_PORT = 9092
HEAP = "512m"
START_SECONDS = 60
SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.quorum.voters=1@{host}:{controller}
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
controlled.shutdown.enable=false
"""
LOG4J = """\
status=error
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c{1})%n%throwable{1}
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
"""


def launch(folder: Path, log: Path) -> tuple["subprocess.Popen[bytes]", str]:
    """Starts the broker on the data in `folder`, formatting it the first time; (process, its `host:port`)."""
    fetch_broker(lambda line: None)
    settings, address = _configure(folder)
    data = folder / "data"
    if not (data / "meta.properties").is_file():
        _format(folder, settings, log)
    flags = [f"-Xmx{HEAP}", "-Xms256m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", *_logging(folder)]
    return start([*_java(flags), "kafka.Kafka", settings], log), address


def answers(address: str, timeout_ms: int = 1000) -> bool:
    """Whether a broker there tells about its cluster in time."""
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=address, bootstrap_timeout_ms=timeout_ms, request_timeout_ms=timeout_ms
        )
    except KafkaError:
        return False
    try:
        return bool(admin.describe_cluster())
    except KafkaError:
        return False
    finally:
        admin.close()


def _configure(folder: Path) -> tuple[Path, str]:
    port = choose_port(USUAL_PORT)
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "server.properties"
    text = SETTINGS.format(host=LOOPBACK, port=port, controller=any_port(), data=folder / "data")
    settings.write_text(text, encoding="utf-8")
    (folder / "log4j2.properties").write_text(LOG4J, encoding="utf-8")
    return settings, f"{LOOPBACK}:{port}"


def _format(folder: Path, settings: Path, log: Path) -> None:
    # Base64 of 16 random bytes; 'x' first, because a leading '-' would be read as an option.
    cluster = "x" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
    tool = [*_java(_logging(folder)), "kafka.tools.StorageTool"]
    process = start([*tool, "format", "--ignore-formatted", "-t", cluster, "-c", settings], log)
    try:
        code = process.wait(START_SECONDS)
    except BaseException:
        process.kill()
        raise
    if code != 0:
        raise UnavailableError(f"the embedded Kafka cannot prepare {folder}: {log_tail(log)}")


def _java(flags: list[str]) -> list[str]:
    return [str(require_java()), *flags, "-cp", f"{broker_folder()}/*"]


def _logging(folder: Path) -> list[str]:
    return [f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"]
