"""No Docker engine is at hand: what the container files say is held against the code instead."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from console.server import serving
from worker.settings import PREFIX, Settings
from worker.store.tables import PARTITIONED, metadata

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "Dockerfile").read_text().splitlines()
RELATIONS_OF_A_DAY = sum(1 + len(metadata.tables[table].indexes) + 1 for table in PARTITIONED)
NOT_OURS = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "REDISCLI_AUTH", "PATH"}


def _commands() -> Iterator[tuple[str, ...]]:
    for service in OURS.values():
        yield tuple(service["command"])
        test = service.get("healthcheck", {}).get("test", ())
        if "aftertag" in test:
            yield tuple(test[test.index("aftertag") + 1 :])


def with_defaults(text: str, environ: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return `text` as compose reads it: each `${NAME:-default}` replaced."""
    return re.sub(r"\$\{(\w+):-(.*?)\}", lambda found: environ.get(found[1], found[2]), text)


def _environment(service: dict[str, Any]) -> dict[str, str]:
    set_here = {name: value for name, value in service.get("environment", {}).items() if value is not None}
    return {name: with_defaults(value) for name, value in set_here.items()}


@pytest.mark.parametrize("command", sorted(set(_commands())), ids=" ".join)
def test_every_command_of_the_containers_exists(command: tuple[str, ...]) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "console", *command, "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr


def test_the_images_default_command_is_one_of_the_composed_ones() -> None:
    default = next(line for line in DOCKERFILE if line.startswith("CMD "))
    assert tuple(yaml.safe_load(default.removeprefix("CMD "))) in set(_commands())


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_setting_of_a_container_is_one_that_the_code_reads(name: str) -> None:
    environment = _environment(OURS[name])
    ours = {variable for variable in environment if variable.startswith(PREFIX)}
    assert ours <= {PREFIX + field.upper() for field in Settings.model_fields}
    settings = Settings.from_environment(environment)
    assert settings.database_url is not None
    assert settings.redis_url is not None


def test_every_other_variable_is_known_to_the_code_or_to_an_official_image() -> None:
    variables = {variable for service in SERVICES.values() for variable in service.get("environment", {})}
    variables |= {word.split("=")[0] for line in DOCKERFILE if line.startswith("ENV ") for word in line.split()[1:]}
    settings = {PREFIX + field.upper() for field in Settings.model_fields}
    sources = "\n".join(path.read_text() for path in (ROOT / "classifier_models").rglob("*.py"))
    unknown = {name for name in variables - settings - NOT_OURS if not re.search(rf"\b{name}\b", sources)}
    assert unknown == set()


def test_the_urls_name_services_of_the_composition() -> None:
    for service in OURS.values():
        hosts = re.findall(r"@([\w-]+):\d+", " ".join(_environment(service).values()))
        assert hosts
        assert set(hosts) <= set(SERVICES)


def test_every_path_the_image_is_built_from_exists_and_is_sent_to_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [shlex.split(line)[1:-1] for line in DOCKERFILE if line.startswith("COPY ") and "--from" not in line]
    paths = {path for line in copied for path in line}
    assert {path for path in paths if not (ROOT / path).exists()} == set()
    assert paths == sent


def test_the_image_holds_every_package_of_the_wheel() -> None:
    copied = {line.split()[1] for line in DOCKERFILE if line.startswith("COPY ")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= copied


def test_what_is_shipped_is_what_the_readme_says_was_tested() -> None:
    (tested,) = re.findall(r"The tests run on (.+?);", (ROOT / "README.md").read_text(), re.DOTALL)
    pythons = {line.split()[1] for line in DOCKERFILE if line.startswith("FROM ")}
    (python,) = pythons
    shipped = {"Python": python, "PostgreSQL": SERVICES["postgres"]["image"], "Redis": SERVICES["redis"]["image"]}
    for name, image in shipped.items():
        version = image.partition(":")[2].removesuffix("-slim")
        assert re.search(rf"{name} [\d. and]*\b{version.replace('.', '[.]')}\b", tested), (name, version)


def test_a_container_has_the_program_that_the_command_sql_runs() -> None:
    assert any("apt-get install" in line and "postgresql-client" in line for line in DOCKERFILE)


def test_nothing_runs_as_root() -> None:
    assert "USER aftertag" in DOCKERFILE
    assert all(service.get("user") for name, service in SERVICES.items() if name not in OURS)


def test_services_start_in_the_order_they_need_each_other() -> None:
    conditions = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    assert conditions["migrate"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("worker", "beat", "server"):
        assert conditions[name]["migrate"] == {"condition": "service_completed_successfully"}
    waited_for = {
        other for needs in conditions.values() for other, how in needs.items() if how["condition"] == "service_healthy"
    }
    assert waited_for <= {name for name, service in SERVICES.items() if "healthcheck" in service}


def test_workers_can_be_scaled_and_have_time_to_drain() -> None:
    worker = SERVICES["worker"]
    assert "container_name" not in worker
    assert "ports" not in worker
    assert int(worker["stop_grace_period"].removesuffix("s")) >= Settings().drain_seconds + 5


def test_the_health_check_of_a_worker_asks_the_port_its_metrics_are_on() -> None:
    worker = SERVICES["worker"]
    assert f":{worker['environment']['AFTERTAG_METRICS_PORT']}/metrics" in worker["healthcheck"]["test"][-1]


def test_the_server_is_published_to_this_machine_alone_at_the_port_it_serves_and_is_asked_at() -> None:
    server = SERVICES["server"]
    settings = Settings.from_environment(_environment(server))
    assert server["command"] == ["serve"]
    assert settings.http_host == "0.0.0.0"
    assert server["ports"] == [f"127.0.0.1:{settings.http_port}:{settings.http_port}"]
    assert f"127.0.0.1:{settings.http_port}/healthz" in server["healthcheck"]["test"][-1]
    assert int(server["stop_grace_period"].removesuffix("s")) >= Settings().drain_seconds + 5


def test_the_health_check_of_the_beat_fails_without_redis_and_for_nothing_else(redis_db_url: str) -> None:
    _, program, *arguments = SERVICES["beat"]["healthcheck"]["test"]
    assert program == "python"
    for url, expected in ((redis_db_url, 0), ("redis://127.0.0.1:1/0", 1)):
        environ = {**os.environ, "AFTERTAG_REDIS_URL": url}
        assert subprocess.run([sys.executable, *arguments], env=environ, capture_output=True).returncode == expected


def test_endpoints_and_settings_of_the_operators_own_reach_every_container() -> None:
    for service in OURS.values():
        assert service["env_file"] == [{"path": ".env", "required": False}]


def test_postgres_takes_as_many_connections_as_four_workers_a_server_and_a_console_want() -> None:
    (given,) = [word for word in SERVICES["postgres"]["command"] if word.startswith("max_connections=")]
    of_a_worker, of_a_server = 2 * (Settings().threads + 4), 2 * serving.CONNECTIONS
    assert int(given.removeprefix("max_connections=")) >= 4 * of_a_worker + of_a_server + 10
    said = (ROOT / "docker-compose.yml").read_text()
    assert f"connections, {of_a_worker}:" in said
    assert f"a server ({of_a_server})" in said


def test_postgres_has_locks_for_sql_over_all_days_that_are_kept() -> None:
    given = dict(word.split("=") for word in SERVICES["postgres"]["command"] if "=" in word)
    room = int(given["max_connections"]) * int(given["max_locks_per_transaction"])
    assert room >= 4 * RELATIONS_OF_A_DAY * Settings().keep_days


def test_redis_neither_evicts_nor_forgets() -> None:
    command = SERVICES["redis"]["command"]
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_every_volume_is_declared_and_used() -> None:
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert mounted == set(COMPOSE["volumes"])
