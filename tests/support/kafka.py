"""Real Apache Kafka: one KRaft node on free ports, in a folder that goes with it."""

import base64
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from support.java import JavaProcess, free_port, jars, listens

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_EMPTY_SECONDS = 30.0


class RealKafka:
    """A broker for as long as the context lasts. `properties` are added to its own, or replace them.

    In their values `{port}`, `{controller}` and `{inside}` stand for the ports of the listener that clients use, of the controller's,
    and of one more that is spare: `inside` is its address.
    """

    def __init__(self, properties: Mapping[str, str] | None = None) -> None:
        self.bootstrap_servers = ""
        self.inside = ""
        self.folder = Path()
        self._properties = dict(properties or {})
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._process: JavaProcess | None = None

    def __enter__(self) -> Self:
        self._scratch = tempfile.TemporaryDirectory(prefix="kimberley-kafka-", ignore_cleanup_errors=True)
        self.folder = Path(self._scratch.name)
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.kill()  # its data goes with it
        if self._scratch is not None:
            self._scratch.cleanup()

    def start(self) -> None:
        """Run again after `stop` or `kill`: on the same data and the same ports."""
        self._process = JavaProcess(["-Xmx512m", *self._java(), "kafka.Kafka", str(self._file)], self.folder)
        self._process.wait_for(self._answers, _START_SECONDS, "Kafka")

    @property
    def pid(self) -> int:
        """The broker's process id."""
        assert self._process
        return self._process.pid

    def stop(self) -> None:
        """Shut down in order; what it holds is on disk."""
        assert self._process
        self._process.stop(_STOP_SECONDS)

    def kill(self) -> None:
        """`kill -9`: no last words."""
        assert self._process
        self._process.kill()

    def empty(self) -> None:
        """Delete every topic and group."""
        with KafkaAdminClient(bootstrap_servers=self.bootstrap_servers) as admin:
            if left := _own_topics(admin):
                admin.delete_topics(left)
                deadline = time.monotonic() + _EMPTY_SECONDS
                while left := _own_topics(admin):
                    if time.monotonic() > deadline:
                        raise RuntimeError(f"not deleted within {_EMPTY_SECONDS:.0f} s: {', '.join(left)}")
                    time.sleep(0.1)
            if groups := [group["group_id"] for group in admin.list_groups()]:
                admin.delete_groups(groups)

    def pause(self) -> None:
        """Stand still, with every connection open."""
        assert self._process
        self._process.pause()

    def resume(self) -> None:
        """Go on after `pause`."""
        assert self._process
        self._process.resume()

    @property
    def _file(self) -> Path:
        return self.folder / "server.properties"

    @staticmethod
    def _java() -> list[str]:
        return ["-cp", f"{jars() / 'jars'}/*", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]

    def _prepare(self) -> None:
        """Choose ports and format the data folder."""
        port, controller, inside = free_port(), free_port(), free_port()
        self.bootstrap_servers, self.inside = f"127.0.0.1:{port}", f"127.0.0.1:{inside}"
        self._file.write_text(
            "".join(f"{key}={value}\n" for key, value in self._all_properties(port, controller, inside).items()), encoding="utf-8"
        )
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        formatting = JavaProcess(
            [*self._java(), "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(self._file)], self.folder
        )
        formatting.wait_to_end(_START_SECONDS)

    def _all_properties(self, port: int, controller: int, inside: int) -> dict[str, str]:
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self.folder / "data"),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            # one that was killed is let in again once its registration has lapsed
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            **{key: value.format(port=port, controller=controller, inside=inside) for key, value in self._properties.items()},
        }

    def _answers(self) -> bool:
        """Whether a client is served; of a secured listener, whether it is open."""
        if "SSL" in (protocols := self._properties.get("listener.security.protocol.map", "")) or "SASL" in protocols:
            return listens(self.bootstrap_servers)
        try:
            with KafkaAdminClient(bootstrap_servers=self.bootstrap_servers, bootstrap_timeout_ms=2000) as admin:
                return bool(admin.describe_cluster())
        except KafkaError:
            return False


def _own_topics(admin: KafkaAdminClient) -> list[str]:
    """Those that are not the broker's."""
    return [topic for topic in admin.list_topics() if not topic.startswith("__")]
