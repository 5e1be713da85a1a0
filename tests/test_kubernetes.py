"""deploy/kubernetes is what Kubernetes takes, and as hardened as docker-compose.yml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
VERSION = "1.31"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml") if path.name != "kustomization.yaml")
NO_SCHEMA = {"ScaledObject"}
"""Of KEDA."""


def resources() -> list[dict[str, Any]]:
    return [one for name in FILES for one in yaml.safe_load_all((FOLDER / name).read_text("utf-8"))]


def pods() -> dict[str, dict[str, Any]]:
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]
        for one in resources()
        if one["kind"] in {"Deployment", "Job"}
    }


@pytest.mark.parametrize(
    "one", resources(), ids=lambda one: f"{one['kind']} {one['metadata']['name']}"
)
def test_a_resource_is_of_its_schema(one: dict[str, Any]) -> None:
    if one["kind"] not in NO_SCHEMA:
        kubernetes_validate.validate(one, VERSION, strict=True)


def test_a_wrong_resource_would_be_noticed() -> None:
    wrong = next(one for one in resources() if one["kind"] == "Deployment") | {
        "spec": {"replica": 1}
    }
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_the_kustomization_names_every_file_but_the_one_that_needs_keda() -> None:
    named = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))["resources"]
    assert sorted(named) == [name for name in FILES if name != "autoscaling.yaml"]


@pytest.mark.parametrize("name", pods())
def test_a_pod_has_no_rights_and_bounds(name: str) -> None:
    pod = pods()[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        rights = container["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert not any("value" in one for one in container.get("env", ()))


def test_the_parts_are_those_of_the_compose_file_but_the_database() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    assert pods().keys() == compose.keys() - {"postgres"}
    for name, pod in pods().items():
        if name != "redis":
            assert pod["containers"][0]["args"] == compose[name]["command"], name


def test_workers_scale_by_a_metric_that_there_is() -> None:
    [scaled] = [one for one in resources() if one["kind"] == "ScaledObject"]
    query = scaled["spec"]["triggers"][0]["metadata"]["query"]
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text("utf-8")
    [metric] = re.findall(r"marrow_\w+", query)
    assert f"| `{metric}` |" in page
    assert scaled["spec"]["scaleTargetRef"]["name"] in pods()
