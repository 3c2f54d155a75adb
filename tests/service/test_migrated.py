"""A start with data asks cheaply whether anything is left to migrate."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from service import migrated
from service.database import MIGRATIONS, _migrations, fetchrow
from service.migrated import brought, up_to_date


def test_the_names_of_the_files_are_the_ids_of_the_migrations() -> None:
    assert brought() == set(_migrations(MIGRATIONS))


async def test_a_database_with_everything_needs_no_migrating(regulation: None, database_url: str) -> None:
    assert await up_to_date(database_url)


async def test_a_database_without_a_regulation_is_not_ready(database: None, database_url: str) -> None:
    assert not await up_to_date(database_url)


async def test_a_migration_that_was_not_carried_out_is_noticed(
    regulation: None, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = brought()
    monkeypatch.setattr("service.migrated.brought", lambda: known | {"2999-01-01T00:00:00:000000"})
    assert not await up_to_date(database_url)


# --- migrations only add, so that the release before goes on working beside them --------------------------------------

TAKES_AWAY = re.compile(
    r"drop_table|drop_column|rename_table|rename_column|alter_column|\b(DROP|RENAME) (TABLE|COLUMN)\b|"
    r"\bALTER COLUMN\b|\bSET NOT NULL\b|\bRENAME TO\b",
    re.I,
)
FILES = sorted((Path(migrated.__file__).parent / "piccolo_migrations").glob("reglament_*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_migration_takes_nothing_away(file: Path) -> None:
    found = TAKES_AWAY.search(file.read_text("utf-8"))
    assert found is None, f"{found[0]}: the old release still needs it; take it away a release later"


async def added_columns(module: ModuleType) -> list[tuple[str, str]]:
    """Table and name of every column that a migration adds to a table which was there before."""
    manager = await module.forwards()
    made = {table.tablename for table in manager.add_tables}
    added = manager.add_columns.add_columns
    return [(one.tablename, one.column._meta.db_column_name) for one in added if one.tablename not in made]


async def test_the_old_release_can_still_write_a_row_without_the_new_columns(database: None) -> None:
    columns = [added for module in _migrations(MIGRATIONS).values() for added in await added_columns(module)]
    assert len(columns) > 3
    for table, column in columns:
        known = await fetchrow(
            "SELECT is_nullable = 'YES' OR column_default IS NOT NULL AS optional FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name = $1 AND column_name = $2",
            table, column,
        )  # fmt: skip
        assert known["optional"], f"{table}.{column} has no default"
