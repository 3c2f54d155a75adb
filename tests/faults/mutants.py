"""Breaks the code on purpose, one promise at a time, and shows that the tests notice: `python tests/faults/mutants.py`.

Each mutant is applied to a temporary copy of the tree, where the named tests must fail. Exits with 1 when one survives,
or when the code it changes is no longer there.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("workflow", "service", "notifications", "admin", "tests", "pyproject.toml", "README.md", "Makefile")
LONGEST = 240  # seconds for the tests of one mutant


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` in one file; `tests` must then fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "no order clause",
        "notifications/outbox.py",
        "e.ticket = o.ticket AND e.id <> o.id",
        "e.ticket = o.ticket AND e.id <> o.id AND false",
        ("tests/notifications/test_outbox.py",),
    ),
    Mutant(
        "acknowledge before send",
        "notifications/webhooks.py",
        '            headers, answer = await self._posted(hook["url"], row.body, headers)',
        '            await outbox.record([(row, outbox.Ended(status="delivered"))], at=row.claimed_at)\n'
        '            headers, answer = await self._posted(hook["url"], row.body, headers)',
        ("tests/notifications/test_webhook_delivery.py", "tests/faults/test_killed_worker.py"),
    ),
    Mutant(
        "timer over two transactions",
        "service/deadlines.py",
        "        outcome = await _carry_out(change, due)\n",
        "    async with DB.transaction(allow_nested=False):\n        outcome = await _carry_out(change, due)\n",
        ("tests/faults/test_killed_worker.py::test_killed_before_the_commit_a_timer_fires_once_and_whole_afterwards",),
    ),
    Mutant(
        "no fence",
        "notifications/outbox.py",
        "WHERE o.id = g.id AND o.claim_id = g.claim AND o.status = 'sending' RETURNING o.id, o.attempt",
        "WHERE o.id = g.id RETURNING o.id, o.attempt",
        ("tests/notifications/test_outbox.py",),
    ),
    Mutant(
        "no status = 'armed' condition",
        "service/deadlines.py",
        "\"UPDATE timer SET status = 'fired', ended_at = $2 WHERE id = $1 AND status = 'armed'\"",
        "\"UPDATE timer SET status = 'fired', ended_at = $2 WHERE id = $1\"",
        ("tests/service/test_deadlines.py",),
    ),
    Mutant(
        "signature over re-serialised JSON",
        "notifications/webhooks.py",
        "body=row.body, secrets=secrets",
        "body=msgspec.json.format(row.body), secrets=secrets",
        ("tests/notifications/test_webhook_delivery.py",),
    ),
    Mutant(
        "no hash chain",
        "service/journal.py",
        "    return hashlib.sha256(previous + body).digest()",
        "    return hashlib.sha256(body).digest()",
        ("tests/service/test_verify.py", "tests/faults/test_forgery.py"),
    ),
    Mutant(
        "no row lock",
        "service/tickets.py",
        '" WHERE t.id = $1 FOR NO KEY UPDATE OF t"',
        '" WHERE t.id = $1"',
        ("tests/faults/test_races.py::test_twenty_who_write_on_one_ticket_at_once_are_all_heard",),
    ),
    Mutant(
        "poison beside its neighbours",
        "notifications/outbox.py",
        "LAST_CHANCE = CRASHES - 1",
        "LAST_CHANCE = CRASHES + 1",
        (
            "tests/faults/test_killed_worker.py::test_a_poisoned_delivery_dies_after_three_workers_and_takes_no_other_with_it",
        ),
    ),
)


def slug(mutant: Mutant) -> str:
    return re.sub(r"\W+", "-", mutant.name).strip("-")


def noticed(mutant: Mutant) -> tuple[bool, str]:
    """Whether the tests failed on the mutant; and what was seen."""
    with tempfile.TemporaryDirectory(prefix="rgl-mutant-", dir="/tmp") as folder:
        tree = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
            elif source.exists():
                shutil.copy(source, tree / name)
        file = tree / mutant.file
        code = file.read_text("utf-8")
        if code.count(mutant.old) != 1:
            return False, f"{mutant.file} has changed: the mutant does not fit any more"
        file.write_text(code.replace(mutant.old, mutant.new), "utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *mutant.tests],
            cwd=tree, env=os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True, text=True, timeout=LONGEST,
        )  # fmt: skip
    failed = re.findall(r"^FAILED \S+::(\S+)", done.stdout, re.M)
    if done.returncode == 1 and failed:
        return True, failed[0]
    return False, done.stdout[-2000:] if done.returncode else "every test passed"


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", help="only these: " + ", ".join(map(slug, MUTANTS)))
    chosen = asked.parse_args().names or [slug(one) for one in MUTANTS]
    survivors = 0
    for mutant in MUTANTS:
        if slug(mutant) not in chosen:
            continue
        began = time.monotonic()
        caught, seen = noticed(mutant)
        survivors += not caught
        word = "noticed by" if caught else "SURVIVED:"
        print(f"{mutant.name:<36} {word} {seen} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{len(chosen)} mutants, {survivors} survived.")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
