"""The headers an attempt was made with; indexes for the feed, for replays and for letters that got stuck."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import JSONB
from piccolo.columns.indexes import IndexMethod

from service.database import execute

ID = "2026-11-23T07:52:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Headers of attempts; indexes for replays and stuck letters."

STATEMENTS = (
    "CREATE INDEX event_at ON event USING brin (at)",
    "CREATE INDEX outbox_event ON outbox (event_id)",
    "CREATE INDEX outbox_stuck ON outbox (channel, id) WHERE status IN ('parked', 'dead')",
    "CREATE INDEX letter_bounced ON letter (at, id) WHERE bounced <> ''",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    manager.add_column(
        table_class_name="Attempt",
        tablename="attempt",
        column_name="request_head",
        db_column_name="request_head",
        column_class_name="JSONB",
        column_class=JSONB,
        params={
            "default": "{}",
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    async def run() -> None:
        for statement in STATEMENTS:
            await execute(statement)

    manager.add_raw(run)
    return manager
