"""Signed-in browsers as their owners know them: a name, a system, an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# What browsers say of themselves, the more telling first: nearly all of them claim to be Safari.
BROWSERS: Final[Mapping[str, str]] = {
    "YaBrowser/": "Yandex Browser", "Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome",
    "Safari/": "Safari",
}  # fmt: skip
SYSTEMS: Final[Mapping[str, str]] = {
    "Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Mac OS X": "macOS",
    "Linux": "Linux",
}  # fmt: skip


def browser_name(told: str) -> str:
    """«Firefox, Linux»; what is not known is shown as it calls itself."""
    names = (_first(BROWSERS, told), _first(SYSTEMS, told))
    return ", ".join(filter(None, names)) or told[:60]


def _first(known: Mapping[str, str], told: str) -> str:
    return next((name for sign, name in known.items() if sign in told), "")
