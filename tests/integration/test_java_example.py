"""examples/java: built and run as its README says; what it sends is what the pipeline reads, and it prints the decision on it."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from kimberley.commands import main
from kimberley.settings import Settings
from kimberley.wire.avro import make_codec
from kimberley.wire.partitioner import partition_of
from support.java import cache_folder
from support.stream import decoded, prepared, read_topic
from support.worker import WorkerProcess

EXAMPLE = Path(__file__).parents[2] / "examples" / "java"

pytestmark = [pytest.mark.kafka, pytest.mark.registry, pytest.mark.slow]


def readme_commands() -> list[list[str]]:
    """The commands of the README: to build, and to run."""
    (block,) = re.findall(r"```sh\n(.*?)```", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return [line.split() for line in block.splitlines()]


@pytest.fixture(scope="session")
def built() -> Path:
    """The example's folder with the program built in it, kept beside the other Java services until its sources change."""
    sources = [EXAMPLE / "pom.xml", EXAMPLE / "README.md", *sorted((EXAMPLE / "src").rglob("*.java"))]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    ready = cache_folder() / f"example-{digest}"
    if not ready.is_dir():
        ready.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=ready.parent) as name:
            folder = Path(name) / "java"
            shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("target"))
            build, _ = readme_commands()
            done = subprocess.run(build, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
            # whole or not at all: a run beside this one may have been quicker
            if not ready.is_dir():
                folder.rename(ready)
    return ready


def run(folder: Path, brokers: str, registry_url: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the program; its registry API is another one of the same service."""
    _, command = readme_commands()
    addresses = {"BOOTSTRAP_SERVERS": brokers, "REGISTRY_URL": registry_url.replace("/apis/ccompat/v7", "/apis/registry/v2")}
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **addresses, **more}, capture_output=True, text=True, timeout=120, check=False
    )


def with_schemas(brokers: str, registry_url: str) -> Settings:
    """Settings for a pipeline that is ready and whose schemas are registered."""
    registered = CliRunner().invoke(main, ["schemas", "register", "--registry-url", registry_url])
    assert registered.exit_code == 0, registered.output
    return prepared(brokers, registry_url=registry_url)


def without_particulars(line: str) -> str:
    """The line without what differs from run to run and from release to release."""
    return re.sub(r"(event|decided at|rulebook|reference) [0-9a-fTZ:.-]+", r"\1 …", line)


def test_its_event_is_judged_and_it_prints_the_decision(clean_kafka: str, registry_url: str, built: Path, tmp_path: Path) -> None:
    settings = with_schemas(clean_kafka, registry_url)
    with WorkerProcess(settings, tmp_path) as worker:
        done = run(built, clean_kafka, registry_url)
        assert done.returncode == 0, done.stdout + done.stderr + worker.text()
        assert worker.terminate(10) == 0, worker.text()
    (decision,) = decoded(make_codec(settings), read_topic(clean_kafka, "decisions"))
    assert decision["outcome"] == "ACCEPTED"
    assert decision["certificate_number"] == "BW123456"
    (line,) = done.stdout.splitlines()
    assert decision["event_id"] in line
    assert f"alerts: {len(decision['alert_ids'])};" in line
    assert f"by rulebook {decision['rulebook']}, reference {decision['reference_revision']}" in line
    (shown,) = re.findall(r"```text\n(.*?)\n```", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert without_particulars(line) == without_particulars(shown)
    assert done.stderr == ""


def test_its_record_is_as_the_contract_says(clean_kafka: str, registry_url: str, built: Path) -> None:
    settings = with_schemas(clean_kafka, registry_url)
    done = run(built, clean_kafka, registry_url, PATIENCE_SECONDS="1")
    assert done.returncode == 1, "no worker runs"
    assert "does a worker run" in done.stderr
    (record,) = read_topic(clean_kafka, "certificates")
    assert record.key == b"BW123456"
    assert record.partition == partition_of("BW123456", settings.partitions)
    subject = httpx.get(f"{registry_url}/subjects/certificates-kp.CertificateIssued/versions/latest", timeout=10).json()
    assert record.value[:5] == b"\x00" + subject["id"].to_bytes(4, "big")
    (event,) = decoded(make_codec(settings), [record])
    assert (str(event["carats"]), str(event["value_usd"])) == ("120.500", "24100.00")
    assert event["expires_on"] > event["issued_on"]
    assert event["occurred_at"] <= record.timestamp
