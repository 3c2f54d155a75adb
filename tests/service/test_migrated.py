"""A start with data asks cheaply whether anything is left to migrate."""

import pytest

from service.database import MIGRATIONS, _migrations
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
