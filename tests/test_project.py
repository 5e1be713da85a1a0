"""The project itself: its layout, its locks, its make targets, its wheel."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "api",
    "archives",
    "audits",
    "cli",
    "evaluation",
    "extractor",
    "standards",
    "storage",
    "workers",
)
# Names that say nothing of what is inside.
NAMELESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "lib"}
LOCKS = ("build", "runtime", "dev", "bench")
TASKS = {
    "bench",
    "chaos",
    "chaos-short",
    "check",
    "clean",
    "compose-check",
    "demo",
    "evaluate",
    "fmt",
    "help",
    "lint",
    "load",
    "lock",
    "serve",
    "soak",
    "test",
}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(lock: str) -> dict[str, list[str]]:
    """The lines of a lock by package: each a version with its marker and hashes."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(canonicalize_name(re.split(r"[=\s]", line, maxsplit=1)[0]), []).append(
            line
        )
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_stands_at_the_root(package: str) -> None:
    assert (ROOT / package / "__init__.py").is_file()


def test_the_patterns_are_data_without_code() -> None:
    files = [path for path in (ROOT / "patterns").rglob("*") if path.is_file()]
    assert any(path.suffix == ".yaml" for path in files)
    assert [path.name for path in files if path.suffix == ".py"] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    names = {part for path in modules for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names & NAMELESS == set()


def test_the_wheel_and_the_import_rules_know_every_package() -> None:
    tool = project()["tool"]
    built = tool["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(built) == sorted([*PACKAGES, "patterns"])
    assert sorted(tool["importlinter"]["root_packages"]) == sorted(PACKAGES)


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_in_a_lock_is_pinned_with_hashes(lock: str) -> None:
    packages = locked(lock)
    assert packages
    for lines in packages.values():
        for line in lines:
            assert re.match(r"[\w.-]+==[\w.!+]+ ", line), line
            assert "--hash=sha256:" in line, line


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    assert re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text) is None


def test_the_runtime_lock_holds_what_the_project_asks_for() -> None:
    packages = locked("runtime")
    for wanted in map(Requirement, project()["project"]["dependencies"]):
        lines = packages[canonicalize_name(wanted.name)]
        pinned = [re.split(r"==|\s", line)[1] for line in lines]
        assert any(wanted.specifier.contains(version) for version in pinned), wanted.name


def test_the_parts_of_medspacy_that_never_run_are_not_installed() -> None:
    lines = (ROOT / "requirements" / "excluded.in").read_text().splitlines()
    excluded = {line for line in lines if line and not line.startswith("#")}
    assert excluded
    assert excluded & locked("runtime").keys() == set()


def test_make_help_lists_every_task() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: ([\w-]+)$", makefile, flags=re.MULTILINE))
    printed = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    listed = set(re.findall(r"^  make ([\w-]+) +\S", printed, flags=re.MULTILINE))
    assert listed == phony
    assert listed >= TASKS


def test_the_console_script_leads_to_a_function() -> None:
    module, _, function = project()["project"]["scripts"]["marrow"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_decisions_are_numbered_once_and_say_when_they_were_made() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [path.name[:4] for path in decisions]
    assert len(set(numbers)) == len(numbers)
    for path in decisions:
        title, *rest = path.read_text().splitlines()
        assert title.startswith(f"# {path.name[:4]}: ")
        assert re.search(r"\b20\d\d-\d\d\b", "\n".join(rest)), path.name


class TestCompose:
    """docker-compose.yml, as far as it can be seen without running it."""

    services: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
        "services"
    ]

    def test_only_the_api_is_published_and_to_this_machine_alone(self) -> None:
        ports = {name: service.get("ports") for name, service in self.services.items()}
        published = {name: found for name, found in ports.items() if found}
        assert list(published) == ["api"]
        assert all(port.startswith("127.0.0.1:") for port in published["api"])

    @pytest.mark.parametrize("name", services)
    def test_a_service_is_locked_down(self, name: str) -> None:
        service = self.services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert service["pids_limit"]

    @pytest.mark.parametrize("name", services)
    def test_no_password_stands_in_the_environment(self, name: str) -> None:
        environment = self.services[name].get("environment", {})
        secret = [key for key in environment if re.search("PASSWORD|SECRET|TOKEN|URL", key)]
        assert all(key.endswith("_FILE") for key in secret)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment outside the tree, with the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run([*build, str(ROOT)], check=True)
    [wheel] = folder.glob("marrow-*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = [*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    # The dependencies of this environment. Its own path files are not read, so the tree is not in.
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return environment


def test_an_installed_wheel_reads_its_own_patterns(installed: Path, tmp_path: Path) -> None:
    code = """
import extractor
from extractor import Extractor, Report
result = Extractor.load().extract(Report(text="FINDINGS: Marrow oedema of the left femoral head."))
print(extractor.__file__)
print(*[mention.finding for mention in result.mentions])
"""
    python = installed / "bin" / "python"
    printed = subprocess.run(
        [python, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    file, findings = printed.splitlines()
    assert file.startswith(str(installed))
    assert findings == "marrow_oedema"


def test_an_installed_wheel_brings_the_command(installed: Path, tmp_path: Path) -> None:
    printed = subprocess.run(
        [installed / "bin" / "marrow", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "extract" in printed
    assert "serve" in printed
