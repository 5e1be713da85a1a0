"""What docker-compose.yml promises of every container, read from it: nothing may slip out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

COMPOSE = yaml.safe_load((Path(__file__).parents[1] / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {"migrate"}
"""What ends by itself, and has no health."""
each_service = pytest.mark.parametrize("name", SERVICES)


def test_the_parts_are_those_that_are_documented() -> None:
    assert SERVICES.keys() == {"api", "worker", "dispatcher", "migrate", "postgres", "redis"}


@each_service
def test_a_container_writes_nothing_but_its_volumes_and_gains_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]
    assert not service.get("privileged")
    assert not {"pid", "ipc", "network_mode", "devices", "userns_mode"} & service.keys()
    assert all(
        volume.partition(":")[0] in COMPOSE["volumes"] for volume in service.get("volumes", ())
    )


def test_only_postgresql_keeps_rights_and_only_those_to_become_its_user() -> None:
    kept = {
        name: set(service["cap_add"]) for name, service in SERVICES.items() if "cap_add" in service
    }
    assert kept == {"postgres": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}}


@each_service
def test_a_container_runs_as_a_user_without_rights(name: str) -> None:
    user = SERVICES[name].get("user")
    assert name == "postgres" or (user is not None and not user.startswith(("0", "root")))


@each_service
def test_a_container_has_bounds_of_memory_processes_and_logs(name: str) -> None:
    service = SERVICES[name]
    assert service["mem_limit"]
    assert 0 < service["pids_limit"] <= 200
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


@each_service
def test_a_container_is_watched_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert ("disable" in service["healthcheck"]) == (name in ONCE)
    assert service["restart"] == ("no" if name in ONCE else "unless-stopped")


def test_only_the_api_is_published_and_only_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"api"}
    assert all(port.startswith("127.0.0.1:") for port in published["api"])


def test_what_holds_patient_data_has_no_way_out() -> None:
    assert COMPOSE["networks"]["back"]["internal"] is True
    outside = {name for name, service in SERVICES.items() if service["networks"] != ["back"]}
    assert outside == {"api"}


def test_passwords_are_files_and_never_in_the_environment() -> None:
    assert all(secret.keys() == {"file"} for secret in COMPOSE["secrets"].values())
    for service in SERVICES.values():
        for variable in service.get("environment", {}):
            is_secret = any(word in variable for word in ("PASSWORD", "SECRET", "KEY", "URL"))
            assert not is_secret or variable.endswith("_FILE"), variable
