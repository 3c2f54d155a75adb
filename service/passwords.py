"""Passwords are made by us, shown once and kept as argon2 hashes."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# Letters and digits that nobody mistakes for one another when reading from paper.
ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
GROUPS, GROUP_LENGTH = 4, 5  # 20 signs of 55: 115 bits
LONGEST = 1000  # signs; a longer one is refused before it costs work

_hasher = PasswordHasher()
# Each hash takes 64 MiB and tens of milliseconds by design: beside these many others wait, whoever asks.
AT_ONCE = 2
_threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="argon2")


@cache
def _nobodys() -> str:
    """What an unknown address is compared with: the same work, so that the answer's time tells nothing."""
    return _hasher.hash(secrets.token_hex(16))


def generate_password() -> str:
    """A fresh password, to be shown once."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)


async def hashed(password: str) -> str:
    """The argon2id hash to keep; worked out in a thread."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether `password` is the one behind the hash. `None`, for nobody, takes as long and is always false."""
    if len(password) > LONGEST:
        return False
    fits = await asyncio.get_running_loop().run_in_executor(_threads, _verified, password, password_hash)
    return fits and password_hash is not None


def _verified(password: str, password_hash: str | None) -> bool:
    try:
        return _hasher.verify(password_hash or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
