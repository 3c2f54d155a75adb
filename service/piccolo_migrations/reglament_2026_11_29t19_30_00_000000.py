"""What Piccolo has no words for: the open tickets of one state, as programs list them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2026-11-29T19:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Open tickets of one state by their receipt, by an index."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    async def run() -> None:
        await execute("DROP INDEX ticket_open_state")
        await execute(
            "CREATE INDEX ticket_open_state ON ticket (state, received_at DESC, id DESC) WHERE closed_at IS NULL"
        )

    manager.add_raw(run)
    return manager
