"""What a person at the terminal is told when the system cannot be reached."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def told(home: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *command],
        env=os.environ | environ | {"REGLAMENT_HOME": str(home)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid:5432"])
def test_a_database_that_is_away_is_a_sentence_and_no_traceback(tmp_path: Path, address: str) -> None:
    url = f"postgresql://desk:s3cret@{address}/desk"
    answer = told(tmp_path, "verify", REGLAMENT_DATABASE_URL=url, REGLAMENT_REDIS_URL="redis://127.0.0.1:1")
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "cannot be reached" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "s3cret" not in answer.stderr
