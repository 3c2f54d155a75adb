"""What Piccolo has no words for: mails that were set aside, and open tickets, as lists show them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2026-11-29T12:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Spam and dropped mail, and open tickets by their receipt, by an index each."


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    async def run() -> None:
        await execute(
            "CREATE INDEX mail_set_aside ON mail (status, received_at, id) WHERE status IN ('spam', 'dropped')"
        )
        await execute("CREATE INDEX ticket_open_received ON ticket (received_at DESC, id DESC) WHERE closed_at IS NULL")

    manager.add_raw(run)
    return manager
