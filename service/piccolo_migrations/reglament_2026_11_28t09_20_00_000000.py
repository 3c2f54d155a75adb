"""An index for the queue by the nearest deadline, whatever the priority."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2026-11-28T09:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The queue by the nearest deadline."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    async def run() -> None:
        await execute(
            "CREATE INDEX ticket_nearest ON ticket ((coalesce(due_at, registration_due_at, 'infinity')), id) "
            "WHERE closed_at IS NULL"
        )

    manager.add_raw(run)
    return manager
