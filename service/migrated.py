"""Whether a database has what this release brings, asked without loading what would bring it."""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg

FOLDER = Path(__file__).parent / "piccolo_migrations"
NAME = re.compile(r"reglament_(\d{4})_(\d\d)_(\d\d)t(\d\d)_(\d\d)_(\d\d)_(\d{6})")


def brought() -> set[str]:
    """The ids of the migrations of this release, by the names of their files."""
    found = (NAME.fullmatch(file.stem) for file in FOLDER.glob("reglament_*.py"))
    return {"{}-{}-{}T{}:{}:{}:{}".format(*one.groups()) for one in found if one}


async def up_to_date(dsn: str) -> bool:
    """Whether nothing is left for `reglament migrate`: every migration is carried out, and a regulation published."""
    session = await asyncpg.connect(dsn)
    try:
        done = {row["name"] for row in await session.fetch("SELECT name FROM migration WHERE app_name = 'reglament'")}
        return brought() <= done and bool(await session.fetchval("SELECT EXISTS (SELECT FROM regulation)"))
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await session.close()
