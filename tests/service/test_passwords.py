"""What a password costs: nothing at import, and never more than a few at once."""

import asyncio
import subprocess
import sys
import threading

import pytest

from service import passwords


def test_importing_works_out_no_hash() -> None:
    told = "import argon2; argon2.PasswordHasher.hash = None; import service.passwords, service.auth"
    subprocess.run([sys.executable, "-c", told], check=True)


def test_a_hash_costs_what_argon2_advises() -> None:
    """In a process of its own: here hashes are made light for the other tests."""
    told = "import asyncio; from service.passwords import hashed; print(asyncio.run(hashed('x')))"
    made = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True).stdout
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_only_so_many_hashes_are_worked_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most, gate = 0, 0, threading.Lock()

    def slow(_password: str, _hash: str | None) -> bool:
        nonlocal running, most
        with gate:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.02)
        with gate:
            running -= 1
        return False

    monkeypatch.setattr(passwords, "_verified", slow)
    assert not any(await asyncio.gather(*(passwords.matches("x", None) for _ in range(20))))
    assert most == passwords.AT_ONCE
