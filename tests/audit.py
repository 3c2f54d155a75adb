"""Holds every locked package against the database of known faults; where that is out of reach, it says so aloud."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
DATABASE = "https://api.osv.dev/v1/query"
PATIENCE = 15.0  # seconds
ANY_PACKAGE = {"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "26.3"}

SKIPPED = """
*** The audit of the dependencies was SKIPPED: nothing was checked. ***
*** {database} is out of reach: {why}
*** Run `make audit` on a machine that reaches it.
"""


def main(words: list[str] | None = None) -> int:
    """0 when no locked package has a known fault, or when nobody can say; what pip-audit says otherwise."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--database", default=DATABASE, help="where the faults are looked up, as OSV serves them")
    asked.add_argument("--lock", action="append", type=Path, help="a file to look through, instead of ours")
    given = asked.parse_args(words)
    if why := out_of_reach(given.database):
        print(SKIPPED.format(database=given.database, why=why), file=sys.stderr)
        return 0
    locks = given.lock or [ROOT / name for name in LOCKS]
    return audit(given.database, locks)


def out_of_reach(database: str) -> str:
    """Why the database cannot be asked; empty when it answers."""
    try:
        httpx.post(database, json=ANY_PACKAGE, timeout=PATIENCE).raise_for_status()
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    return ""


def audit(database: str, locks: list[Path]) -> int:
    """Run pip-audit over the locks as they stand, without resolving or installing anything."""
    program = Path(sys.executable).with_name("pip-audit")
    files = [word for lock in locks for word in ("--requirement", str(lock))]
    options = ["--disable-pip", "--require-hashes", "--vulnerability-service", "osv", "--osv-url", database]
    return subprocess.run([program, *options, "--progress-spinner", "off", *files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
