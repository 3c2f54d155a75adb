"""Which commands may make a home: a mistyped one is told, and stays nothing."""

from pathlib import Path

import pytest

from service.cli import main
from service.startup import NothingRuns, read_settings

COMMANDS = (
    ("verify",),
    ("user", "add", "a@example.org", "--name", "A", "--role", "operator"),
    ("token", "add", "robot", "--role", "operator"),
    ("demo",),
    ("doctor",),
)


@pytest.fixture
def mistyped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "misstyped"
    monkeypatch.setenv("REGLAMENT_HOME", str(home))
    monkeypatch.delenv("REGLAMENT_SECRET", raising=False)
    return home


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_mistyped_home_is_told_and_not_made(
    mistyped: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    monkeypatch.setattr("sys.argv", ["reglament", *command])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code in (1, 2)
    assert f"Nothing runs in {mistyped}" in capsys.readouterr().err
    assert not mistyped.exists()


def test_a_home_with_its_secret_is_found(mistyped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.startup.furnish", lambda settings: None)
    monkeypatch.setattr("service.logs.set_up", lambda **_how: None)
    with pytest.raises(NothingRuns):
        read_settings()
    mistyped.mkdir()
    (mistyped / "secret").write_text("s" * 64)
    assert read_settings().home == mistyped
