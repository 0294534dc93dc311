"""A real schema registry: Apicurio, everything in memory, with the Confluent API."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from support.java import JavaProcess, free_port, jars

_START_SECONDS = 90.0


class RealRegistry:
    """A registry for as long as the context lasts. `url`: of its Confluent API."""

    def __init__(self) -> None:
        self.url = ""
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._process: JavaProcess | None = None

    def __enter__(self) -> Self:
        self._scratch = tempfile.TemporaryDirectory(prefix="kimberley-registry-", ignore_cleanup_errors=True)
        try:
            self._start(Path(self._scratch.name))
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            self._process.stop()
        if self._scratch is not None:
            self._scratch.cleanup()

    def _start(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
        runner = next((jars() / "registry").glob("**/quarkus-run.jar"), None) or next((jars() / "registry").glob("**/*-runner.jar"))
        arguments = [
            "-Xmx512m",
            f"-Dquarkus.http.port={port}",
            "-Dquarkus.http.host=127.0.0.1",
            f"-Djava.io.tmpdir={folder}",
            "-jar",
            str(runner),
        ]
        self._process = JavaProcess(arguments, folder)
        self._process.wait_for(self._answers, _START_SECONDS, "the registry")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/subjects", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False
