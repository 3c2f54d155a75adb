"""What Piccolo has no words for: what waits for one endpoint, in the order in which it is claimed."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2026-11-29T02:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Claims of deliveries by an index: a long backlog costs no more than a short one."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    async def run() -> None:
        await execute(
            "CREATE INDEX outbox_claim ON outbox (channel, endpoint, next_at, id) WHERE status = 'pending'"
        )

    manager.add_raw(run)
    return manager
