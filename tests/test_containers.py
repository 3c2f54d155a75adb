"""The containers agree with the settings and the commands; what runs in them has no more rights than it needs."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from service.settings import Settings, variables

ROOT = Path(__file__).parents[1]
GIVEN = {"POSTGRES_PASSWORD": "p4ss", "REGLAMENT_SECRET": "x" * 40}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return document


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def ours(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: service for name, service in compose["services"].items() if service["image"] == "reglament"}


def filled_in(value: str) -> str:
    """What compose puts in place of `${NAME:-default}` and `${NAME:?why}`."""
    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", lambda m: GIVEN[m[1]] if m[2] == "?" else m[3], value)


def in_dockerfile(dockerfile: str) -> dict[str, str]:
    return dict(re.findall(r"(REGLAMENT_\w+)=(\S+)", dockerfile))


def test_the_compose_file_is_clean_yaml() -> None:
    rules = "{extends: default, rules: {line-length: {max: 130}, comments: {min-spaces-from-content: 1}}}"
    answer = subprocess.run(
        [sys.executable, "-m", "yamllint", "--strict", "-d", rules, "docker-compose.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert answer.stdout == ""


def test_every_variable_is_a_setting_and_accepted(compose: dict[str, Any], dockerfile: str) -> None:
    made = in_dockerfile(dockerfile)
    assert set(made) <= set(variables())
    for service in ours(compose).values():
        environment = {name: filled_in(value) for name, value in service["environment"].items()}
        settings = Settings.from_environment(made | environment)
        assert settings.production
        assert settings.database_url == "postgresql://reglament:p4ss@postgres:5432/reglament"
        assert (settings.host, settings.smtp_host) == ("0.0.0.0", "0.0.0.0")


def test_the_parts_are_all_there(compose: dict[str, Any]) -> None:
    commands = sorted(" ".join(service["command"]) for service in ours(compose).values())
    assert commands == ["mail listen", "migrate", "web", "web", "worker", "worker"]
    assert set(compose["services"]) - set(ours(compose)) == {"postgres", "redis", "mailpit"}


def test_every_command_exists(compose: dict[str, Any], dockerfile: str) -> None:
    program = importlib.import_module("service.cli").reglament
    default = re.search(r'^CMD \["(\w+)"', dockerfile, re.MULTILINE)
    assert default is not None
    for words in [service["command"] for service in ours(compose).values()] + [[default[1]]]:
        command: click.Command | None = program
        for word in words:
            assert isinstance(command, click.Group)
            command = command.get_command(click.Context(command), word)
        assert command is not None, words


def test_ports_agree_with_the_settings(compose: dict[str, Any], dockerfile: str) -> None:
    settings = Settings()
    assert f"EXPOSE {settings.port} {settings.smtp_port}" in dockerfile
    for name, port in (("web-1", settings.port), ("web-2", settings.port), ("mail", settings.smtp_port)):
        service = ours(compose)[name]
        (published,) = service["ports"]
        assert published.endswith(f":{port}")
        assert str(port) in " ".join(service["healthcheck"]["test"])
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert len({port.rpartition(":")[0] for port in published}) == len(published)


def test_whatever_stays_up_is_watched_and_comes_back(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name == "migrate":
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name


def test_the_parts_wait_for_the_tables(compose: dict[str, Any]) -> None:
    for name, service in ours(compose).items():
        waits = {other: how["condition"] for other, how in service["depends_on"].items()}
        if name == "migrate":
            assert waits == {"postgres": "service_healthy"}
        else:
            assert waits["migrate"] == "service_completed_successfully"


def test_no_part_has_more_rights_than_it_needs(compose: dict[str, Any], dockerfile: str) -> None:
    assert re.search(r"^USER 10001:10001$", dockerfile, re.MULTILINE)
    for name, service in ours(compose).items():
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_data_outlives_the_containers(compose: dict[str, Any]) -> None:
    assert set(compose["volumes"]) == {"database", "files"}
    assert compose["services"]["postgres"]["volumes"] == ["database:/var/lib/postgresql"]
    assert all(service["volumes"] == ["files:/data"] for service in ours(compose).values())


def test_no_password_stands_in_the_files(dockerfile: str) -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    assert "PASSWORD" not in dockerfile
    for line in re.findall(r"^\s+\w*(?:PASSWORD|SECRET)\w*:.*$", compose, re.MULTILINE):
        assert re.search(r": \$\{\w+:\?", line), line


def test_the_image_takes_in_every_package_and_nothing_else(dockerfile: str) -> None:
    packages = {place.parent.name for place in ROOT.glob("*/__init__.py")} - {"tests"}
    copied = set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE))
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == packages
    assert allowed == packages | {"pyproject.toml", "README.md", "requirements.lock", "requirements-dev.lock"}
