"""The lock names every extra that is asked for: without it pip looks past the pin for a newer release."""

import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PINNED = re.compile(r"^[a-z0-9][^\s=]*==\S+", re.M)


def locked() -> dict[str, set[str]]:
    """Every pinned package with the extras it is pinned with."""
    found: dict[str, set[str]] = {}
    for name in ("requirements.lock", "requirements-dev.lock"):
        for line in PINNED.findall((ROOT / name).read_text("utf-8")):
            pin = Requirement(line)
            found.setdefault(canonicalize_name(pin.name), set()).update(pin.extras)
    return found


def asked_for(name: str, extras: set[str]) -> list[Requirement]:
    """What an installed package asks for here, with these extras."""
    try:
        given = distribution(name).requires or []
    except PackageNotFoundError:  # of another system
        return []
    requirements = [Requirement(one) for one in given]
    environments = [{"extra": extra} for extra in ("", *extras)]
    return [one for one in requirements if not one.marker or any(map(one.marker.evaluate, environments))]


def test_every_extra_that_is_asked_for_stands_in_the_lock() -> None:
    pins = locked()
    assert len(pins) > 100
    wanted = [(name, one) for name, extras in pins.items() for one in asked_for(name, extras) if one.extras]
    assert wanted
    missing = [f"{name} asks for {one}" for name, one in wanted if one.extras - pins[canonicalize_name(one.name)]]
    assert missing == []
