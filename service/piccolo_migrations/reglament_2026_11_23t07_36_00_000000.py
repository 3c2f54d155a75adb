"""What Piccolo has no words for: a ticket is carried over once, and those that wait are found at once."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2026-11-23T07:36:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes for carrying versions over, and for digests."

STATEMENTS = (
    "CREATE UNIQUE INDEX republished_ticket_once ON republished_ticket (version, ticket)",
    "CREATE INDEX republished_ticket_waiting ON republished_ticket (version, id) WHERE outcome = ''",
    "CREATE INDEX outbox_digest ON outbox (digest) WHERE digest IS NOT NULL",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await execute(statement)

    manager.add_raw(run)
    return manager
