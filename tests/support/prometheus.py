"""A real Prometheus, and its own checks of our files."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from kimberley.child_processes import die_with_parent, end
from support.java import free_port
from support.stream import wait_until

DEPLOY = Path(__file__).parents[2] / "deploy"
_START_SECONDS = 60.0


@cache
def why_no_prometheus() -> str | None:
    """Why Prometheus can't run here; None: it can."""
    missing = [name for name in ("prometheus", "promtool") if not shutil.which(name)]
    return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed (Debian: prometheus)" if missing else None


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Prometheus's own checker."""
    command = ["promtool", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class RealPrometheus:
    """Prometheus with our configuration, but for whom it scrapes (`targets`, host:port) and how often: each second."""

    def __init__(self, *targets: str) -> None:
        self._targets = targets
        self._url = f"http://127.0.0.1:{free_port()}"
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._scratch = tempfile.TemporaryDirectory(prefix="kimberley-prometheus-", ignore_cleanup_errors=True)
        folder = Path(self._scratch.name)
        log = folder / "prometheus.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self._config(folder)}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address={self._url.removeprefix('http://')}",
                ],
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        try:
            wait_until(self._is_ready, _START_SECONDS, "Prometheus", lambda: log.read_text(errors="replace")[-3000:])
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            end(self._process, 10)
        if self._scratch is not None:
            self._scratch.cleanup()

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """What an expression comes to now: labels and value of each series."""
        answer = httpx.get(f"{self._url}/api/v1/query", params={"query": expression}, timeout=30).json()
        assert answer["status"] == "success", f"{expression}: {answer.get('error')}"
        return [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]

    def _config(self, folder: Path) -> Path:
        config: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
        config["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(DEPLOY / name) for name in config["rule_files"]]
        (job,) = config["scrape_configs"]
        job["static_configs"] = [{"targets": list(self._targets)}]
        file = folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        return file

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "Prometheus ended"
        try:
            return httpx.get(f"{self._url}/-/ready", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


def panel_queries(dashboard: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each panel's title and query, as Grafana would ask over the last minute."""
    panels = [each for each in dashboard["panels"] if each["type"] != "row"]
    return [(each["title"], target["expr"].replace("$__rate_interval", "1m")) for each in panels for target in each["targets"]]
