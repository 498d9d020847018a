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
from local.process import LOOPBACK, any_port, log_tail, start

USUAL_PORT = 9092
# The broker works in its folder and gets names without it: `log.dirs` is a comma separated list in a Java properties
# file, which is no UTF-8 and takes a backslash for an escape, so that another folder would be filled.
DATA, PROPERTIES, LOG_PROPERTIES = "data", "server.properties", "log4j2.properties"
LOGGING = f"-Dlog4j2.configurationFile={LOG_PROPERTIES}"
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


def launch(folder: Path, log: Path, port: int) -> tuple["subprocess.Popen[bytes]", str]:
    """Starts the broker on the data in `folder`, formatting it the first time; (process, its `host:port`)."""
    fetch_broker(lambda line: None)
    address = _configure(folder, port)
    if not (folder / DATA / "meta.properties").is_file():
        _format(folder, log)
    flags = [f"-Xmx{HEAP}", "-Xms256m", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", LOGGING]
    return start([*_java(flags), "kafka.Kafka", PROPERTIES], log, folder=folder), address


def answers(address: str, folder: Path, _process: int, timeout_ms: int = 1000) -> bool:
    """Whether the broker on the data in `folder` tells about its cluster there in time; another one is none."""
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=address, bootstrap_timeout_ms=timeout_ms, request_timeout_ms=timeout_ms
        )
    except KafkaError:
        return False
    try:
        return bool(admin.describe_cluster()["cluster_id"] == _cluster(folder))
    except KafkaError:
        return False
    finally:
        admin.close()


def _cluster(folder: Path) -> str:
    """The id that the data has had since it was formatted."""
    lines = (folder / DATA / "meta.properties").read_text(encoding="utf-8").splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("cluster.id="))


def _configure(folder: Path, port: int) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    text = SETTINGS.format(host=LOOPBACK, port=port, controller=any_port(), data=DATA)
    (folder / PROPERTIES).write_text(text, encoding="utf-8")
    (folder / LOG_PROPERTIES).write_text(LOG4J, encoding="utf-8")
    return f"{LOOPBACK}:{port}"


def _format(folder: Path, log: Path) -> None:
    # Base64 of 16 random bytes; 'x' first, because a leading '-' would be read as an option.
    cluster = "x" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
    tool = [*_java([LOGGING]), "kafka.tools.StorageTool"]
    process = start([*tool, "format", "--ignore-formatted", "-t", cluster, "-c", PROPERTIES], log, folder=folder)
    try:
        code = process.wait(START_SECONDS)
    except BaseException:
        process.kill()
        raise
    if code != 0:
        raise UnavailableError(f"the embedded Kafka cannot prepare {folder}: {log_tail(log)}")


def _java(flags: list[str]) -> list[str]:
    return [str(require_java().absolute()), *flags, "-cp", f"{broker_folder()}/*"]
