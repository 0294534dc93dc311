"""The compose file without containers: its services as plain processes, started in its order, by its commands, with its environment.

Names such as kafka:19092 become ports of 127.0.0.1, mounted volumes a folder; nothing else is changed.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from kimberley.child_processes import die_with_parent
from support.java import JavaProcess, free_port, jars
from support.stream import wait_until

FILE = Path(__file__).parents[2] / "docker-compose.yml"

_OWN_IMAGE = "kimberley:"
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\})")
_ADDRESS = re.compile(r"(?:\b(?:kafka|registry)|127\.0\.0\.1|(?<=://)):(?P<port>\d+)|(?<=/127\.0\.0\.1/)(?P<bare>\d+)")
_CONTAINER_PROGRAMS = {
    "/opt/kafka/bin/kafka-broker-api-versions.sh": ["java", "-cp", "{jars}/*", "org.apache.kafka.tools.BrokerApiVersionsCommand"],
}
_HEALTHY_SECONDS = 90.0
_COMMAND_SECONDS = 90.0


def services(environment: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """The services of the file as compose reads them, its variables replaced."""
    found: dict[str, dict[str, Any]] = _replaced(yaml.safe_load(FILE.read_text(encoding="utf-8")), environment or {})["services"]
    return found


def ours(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The services that run our image."""
    return [name for name, service in found.items() if service["image"].startswith(_OWN_IMAGE)]


def _replaced(node: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _replaced(value, environment) for key, value in node.items()}
    if isinstance(node, list):
        return [_replaced(value, environment) for value in node]
    if isinstance(node, str):
        return _VARIABLE.sub(lambda found: environment.get(found["name"], found["default"] or "") if found["name"] else "$", node)
    return node


class PlainStack:
    """Kafka, the registry and our services of the file, for as long as the context lasts."""

    def __init__(self, folder: Path) -> None:
        self.services = services()
        self._folder = folder
        self._ports: dict[str, str] = {}
        self._states: dict[str, str] = {}
        self._java: dict[str, JavaProcess] = {}
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._exits.close()

    def up(self, name: str) -> None:
        """Start a service once what it depends on is as it asks for; a one-shot service has ended well when this returns."""
        if name in self._states:
            return
        for other, wanted in self.services[name].get("depends_on", {}).items():
            self.up(other)
            if wanted["condition"] == "service_healthy":
                self.wait_healthy(other)
            elif wanted["condition"] == "service_completed_successfully":
                assert self._states[other] == "completed", f"{name} waits for {other}, which does not end"
        self._states[name] = self._start(name)

    def order(self) -> list[str]:
        """The services in the order in which they started."""
        return list(self._states)

    def address(self, name: str, port: int) -> str:
        """Where a container's port is on this machine."""
        return f"127.0.0.1:{self._port(name, str(port))}"

    def is_healthy(self, name: str) -> bool:
        """Whether the service's own health check succeeds."""
        test = self.services[name]["healthcheck"]["test"]
        assert test[0] == "CMD", test
        program, *arguments = (self._here(name, part) for part in test[1:])
        command = [part.format(jars=jars() / "jars") for part in _CONTAINER_PROGRAMS.get(program, [program])] + arguments
        done = subprocess.run(command, env=self._environment(name), capture_output=True, timeout=_COMMAND_SECONDS, check=False)
        return done.returncode == 0

    def wait_healthy(self, name: str) -> None:
        """Return once the service's health check succeeds."""
        wait_until(lambda: self.is_healthy(name), _HEALTHY_SECONDS, f"{name} healthy", lambda: self.log(name))

    def is_running(self, name: str) -> bool:
        """Whether a worker's process lives."""
        return self._workers[name].poll() is None

    def stop(self, name: str) -> int:
        """Stop a service as `docker compose stop` does; a worker's exit status."""
        del self._states[name]
        if name in self._java:
            self._java.pop(name).stop()
            return 0
        process = self._workers.pop(name)
        process.terminate()
        return process.wait(int(self.services[name]["stop_grace_period"].removesuffix("s")))

    def log(self, name: str) -> str:
        """What a service wrote."""
        file = self._folder / name / "service.log"
        return file.read_text(errors="replace")[-3000:] if file.is_file() else ""

    def _start(self, name: str) -> str:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        if name == "kafka":
            self._java[name] = self._kafka(folder)
        elif name == "registry":
            self._java[name] = self._registry(folder)
        elif self.services[name]["restart"] == "no":
            command = self._command(name)
            done = subprocess.run(
                command, cwd=folder, env=self._environment(name), capture_output=True, timeout=_COMMAND_SECONDS, check=False
            )
            assert done.returncode == 0, f"{name}: exit status {done.returncode}\n{done.stderr.decode()[-3000:]}"
            return "completed"
        else:
            self._workers[name] = self._worker(name, folder)
        return "started"

    def _kafka(self, folder: Path) -> JavaProcess:
        """The broker as its image starts it: the image's own program makes the properties of the environment and formats the disk."""
        for each in ("defaults", "mounted", "config", "data"):
            (folder / each).mkdir(exist_ok=True)
        (folder / "defaults" / "server.properties").touch()
        java = ["-cp", f"{jars() / 'jars'}/*", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        properties = folder / "config" / "server.properties"
        if not properties.exists():
            places = ["--default-configs-dir", "defaults", "--mounted-configs-dir", "mounted", "--final-configs-dir", "config"]
            JavaProcess([*java, "kafka.docker.KafkaDockerWrapper", "setup", *places], folder, self._stated("kafka")).wait_to_end(60)
        broker = JavaProcess(["-Xmx512m", *java, "kafka.Kafka", str(properties)], folder)
        self._exits.callback(broker.stop)
        return broker

    def _registry(self, folder: Path) -> JavaProcess:
        runner = next((jars() / "registry").glob("**/*-runner.jar"))
        local = {"QUARKUS_HTTP_HOST": "127.0.0.1"}
        registry = JavaProcess(["-Xmx512m", f"-Djava.io.tmpdir={folder}", "-jar", str(runner)], folder, self._stated("registry") | local)
        self._exits.callback(registry.stop)
        return registry

    def _worker(self, name: str, folder: Path) -> subprocess.Popen[bytes]:
        with (folder / "service.log").open("ab") as output:
            process = subprocess.Popen(
                self._command(name),
                cwd=folder,
                env=self._environment(name),
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        self._exits.callback(_kill, process)
        return process

    def _command(self, name: str) -> list[str]:
        """The image's entry point is `kimberley`."""
        return [sys.executable, "-m", "kimberley", *self.services[name]["command"]]

    def _environment(self, name: str) -> dict[str, str]:
        """The file's environment in the container's place: nothing of ours but what a process needs to run."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {key: os.environ[key] for key in ("HOME", "LANG", "JAVA_HOME") if key in os.environ}
        return {**kept, "PATH": path, **self._stated(name)}

    def _stated(self, name: str) -> dict[str, str]:
        return {key: self._here(name, value) for key, value in self.services[name]["environment"].items()}

    def _here(self, name: str, text: str) -> str:
        if text.isdigit() and f"{name}:{text}" in self._own_ports():
            return self._port(name, text)
        for volume in self.services[name].get("volumes", ()):
            text = text.replace(volume.split(":")[1], str(self._folder / name / "data"))
        text = text.replace("0.0.0.0", "127.0.0.1")
        return _ADDRESS.sub(lambda found: self._moved(name, found), text)

    def _moved(self, name: str, found: re.Match[str]) -> str:
        owner = next((each for each in ("kafka", "registry") if found[0].startswith(f"{each}:")), name)
        if found["bare"]:
            return self._port(owner, found["bare"])
        return f"127.0.0.1:{self._port(owner, found['port'])}"

    def _port(self, name: str, port: str) -> str:
        """A free port for a container's port, the same whenever it is asked for."""
        return self._ports.setdefault(f"{name}:{port}", str(free_port()))

    def _own_ports(self) -> set[str]:
        exposed = {f"{name}:{port}" for name, service in self.services.items() for port in service.get("expose", ())}
        published = {f"{name}:{port.rsplit(':', 1)[1]}" for name, service in self.services.items() for port in service.get("ports", ())}
        return exposed | published


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
