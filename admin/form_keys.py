"""The key a form carries, fresh with each showing: whoever sends the form twice acts once."""

import re
from typing import Final
from uuid import uuid4

_KEY: Final = re.compile(r"[0-9a-f]{32}")


def given_key(key: str) -> str:
    """The key when it is one of ours, else ''."""
    return key if _KEY.fullmatch(key) else ""


def key_or_fresh(key: str) -> str:
    """The key when it is one of ours, else a fresh one."""
    return given_key(key) or uuid4().hex
