"""The README is true: its tables are the code's, its commands exist, its pictures are there."""

import re
import subprocess
import sys
from pathlib import Path

import click
import msgspec
import pytest

from service.cli import reglament
from service.settings import settings_table
from tests.bench.figures import Run, with_headlines

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_the_process_it_shows_is_the_process_the_machine_obeys() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "service.cli", "process", "--check", str(ROOT / "README.md")], capture_output=True
    )
    assert checked.returncode == 0, checked.stderr.decode()


def test_the_settings_it_shows_are_the_settings_there_are() -> None:
    assert settings_table() in README


def test_the_speed_it_shows_was_measured() -> None:
    run = msgspec.json.decode((ROOT / "docs" / "bench.json").read_bytes(), type=Run)
    assert with_headlines(README, run) == README


@pytest.mark.parametrize("words", sorted(set(re.findall(r"`reglament ([a-z]+(?: [a-z]+)?)", README))))
def test_every_command_it_names_exists(words: str) -> None:
    command: click.Command | None = reglament
    context = click.Context(reglament)
    for word in words.split():
        if not isinstance(command, click.Group):
            break  # an argument
        command = command.get_command(context, word)
        assert command is not None, f"`reglament {words}`"


@pytest.mark.parametrize("path", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_every_picture_and_file_it_links_to_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", README, re.M))
def test_every_make_target_it_names_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.M)


def test_every_module_it_names_is_there() -> None:
    for path in re.findall(r"`((?:workflow|service|notifications|admin|tests)/[\w/.]+)`", README):
        assert (ROOT / path).exists(), path
