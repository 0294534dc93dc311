"""docker-compose.yml without Docker: it keeps to the specification, and what it says of our services works on real Kafka."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from kimberley.settings import Settings, load_settings
from kimberley.wire.avro import make_codec
from support.compose import FILE, PlainStack, ours, services
from support.journeys import journey
from support.stream import count_records, decoded, event_records, publish, read_topic, wait_until

ROOT = FILE.parent
OURS = ["topics", "schemas", "reference", "worker-1", "worker-2"]
WORKERS = OURS[-2:]


def project_version() -> str:
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: str = tomllib.load(file)["project"]["version"]
    return found


def mounts(service: dict[str, Any]) -> dict[str, str]:
    """Where in the container each of our files is, by its path here."""
    pairs = [volume.split(":") for volume in service.get("volumes", ())]
    return {source: place for source, place, *_ in pairs if source.startswith(".")}


def test_it_keeps_to_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_our_services_run_the_image_of_this_version() -> None:
    assert ours(services()) == OURS
    assert {service["image"] for name, service in services().items() if name in OURS} == {f"kimberley:{project_version()}"}
    assert all((ROOT / services()[name]["build"]["dockerfile"]).is_file() for name in OURS)


def test_every_image_is_pinned_to_a_release() -> None:
    images = {service["image"] for service in services().values()}
    assert all(re.search(r":v?\d+\.\d+\.\d+$", image) for image in images), images


def test_nothing_listens_beyond_this_machine_and_no_two_on_one_port() -> None:
    published = [port for service in services().values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert len({port.split(":")[1] for port in published}) == len(published)


def test_logs_are_bounded_and_what_serves_comes_back_by_itself() -> None:
    for name, service in services().items():
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        one_shot = name in ("topics", "schemas", "reference")
        assert service["restart"] == ("no" if one_shot else "unless-stopped"), name
        assert ("healthcheck" in service) is not one_shot, name


def test_no_secret_is_written_down() -> None:
    for name, service in yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|TOKEN", key):
                assert re.fullmatch(r"\$\{\w+:-\w+\}", value), f"{name}: {key}"
    assert services()["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"] == "admin"
    chosen = services({"GRAFANA_ADMIN_PASSWORD": "another"})
    assert chosen["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"] == "another"


def test_a_service_waits_only_for_what_the_other_can_become() -> None:
    found = services()
    for name, service in found.items():
        for other, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "healthcheck" in found[other], f"{name} waits for {other}"
            else:
                assert found[other]["restart"] == "no", f"{name} waits for {other}"


def test_every_setting_of_ours_is_one() -> None:
    known = {f"KIMBERLEY_{name.upper()}" for name in Settings.model_fields}
    for name in OURS:
        assert services()[name]["environment"].keys() <= known, name


def test_every_mounted_file_is_there() -> None:
    for name, service in services().items():
        for source in mounts(service):
            assert (ROOT / source).exists(), f"{name}: {source}"


def test_prometheus_reads_both_workers_and_its_rules() -> None:
    service = services()["prometheus"]
    config = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text(encoding="utf-8"))
    scraped = {target for job in config["scrape_configs"] for each in job.get("static_configs", ()) for target in each["targets"]}
    assert {f"{name}:{services()[name]['environment']['KIMBERLEY_MONITOR_PORT']}" for name in WORKERS} <= scraped
    folder = Path(mounts(service)["./deploy/prometheus.yml"]).parent
    assert {str(folder / rules) for rules in config["rule_files"]} <= set(mounts(service).values())


def test_grafana_finds_its_dashboards_and_prometheus() -> None:
    service = services()["grafana"]
    provisioning = ROOT / "deploy" / "grafana" / "provisioning"
    providers = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in (provisioning / "dashboards").glob("*.y*ml")]
    assert [each["options"]["path"] for provider in providers for each in provider["providers"]] == [
        mounts(service)["./deploy/grafana/dashboards"]
    ]
    sources = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in (provisioning / "datasources").glob("*.y*ml")]
    assert [each["url"] for source in sources for each in source["datasources"]] == ["http://prometheus:9090"]
    assert list((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))


@pytest.mark.kafka
@pytest.mark.registry
@pytest.mark.slow
def test_the_stack_judges_events(tmp_path: Path) -> None:
    """Kafka and the registry by the file's environment, our services by its commands, in its order, with its health checks."""
    with PlainStack(tmp_path) as stack:
        for name in OURS:
            stack.up(name)
        assert stack.order() == ["kafka", "topics", "registry", "schemas", "reference", "worker-1", "worker-2"]
        for name in WORKERS:
            stack.wait_healthy(name)
            answer = httpx.get(f"http://{stack.address(name, 9464)}/health/ready", timeout=5)
            assert answer.status_code == 200, answer.text
        outside = stack.address("kafka", 9092)
        schemas_at = f"http://{stack.address('registry', 8080)}/apis/ccompat/v7"
        codec = make_codec(load_settings(bootstrap_servers=outside, registry_url=schemas_at))
        events = [event for number in range(24) for event in journey(f"BW{number:06d}", found="80.00")[:3]]
        publish(outside, event_records(codec, events))
        wait_until(
            lambda: not all(map(stack.is_running, WORKERS)) or count_records(outside, "decisions") >= len(events),
            60,
            "a decision for each event",
            lambda: "\n".join(map(stack.log, WORKERS)),
        )
        assert {decision["outcome"] for decision in decoded(codec, read_topic(outside, "decisions"))} == {"ACCEPTED"}
        alerts = decoded(codec, read_topic(outside, "flagged-shipments"))
        assert {alert["certificate_number"] for alert in alerts if alert["rule_id"] == "import-mismatch"} == {
            f"BW{number:06d}" for number in range(24)
        }
        assert all(is_scraped_from(stack.address(name, 9464)) for name in WORKERS)
        assert count_records(outside, "dead-letters") == 0
        # a registry that forgot its ids would make every record unreadable
        known = httpx.get(f"{schemas_at}/schemas/ids/1", timeout=5).text
        stack.stop("registry")
        stack.up("registry")
        stack.wait_healthy("registry")
        assert httpx.get(f"{schemas_at}/schemas/ids/1", timeout=5).text == known
        assert retention_of(outside, "kafkasql-journal") == "-1"
        assert [stack.stop(name) for name in WORKERS] == [0, 0]


def is_scraped_from(address: str) -> bool:
    """Whether a worker's metrics say that it judged something: both share the work."""
    text = httpx.get(f"http://{address}/metrics", timeout=5).text
    return any(float(line.rsplit(" ", 1)[1]) > 0 for line in text.splitlines() if line.startswith("kimberley_decisions_total{"))


def retention_of(bootstrap_servers: str, topic: str) -> str:
    """A topic's retention in force, in milliseconds."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": None})], config_filter="all")
        value: str = found["topic"][topic]["retention.ms"]["value"]
    finally:
        admin.close()
    return value
