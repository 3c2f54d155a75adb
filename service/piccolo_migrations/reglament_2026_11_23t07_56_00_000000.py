"""What Piccolo has no words for: presence is not worth a log, and a name of a view is its owner's once."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2026-11-23T07:56:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of saved views, presence and reports."

STATEMENTS = (
    "CREATE UNIQUE INDEX saved_view_name ON saved_view (owner, lower(name))",
    "CREATE INDEX saved_view_shared ON saved_view (id) WHERE shared",
    "ALTER TABLE presence SET UNLOGGED",
    'CREATE UNIQUE INDEX presence_once ON presence (ticket, "user")',
    "CREATE INDEX presence_seen ON presence (seen_at)",
    'CREATE INDEX app_session_user ON app_session ("user", created_at)',
    "CREATE INDEX ticket_registered ON ticket (registered_at) WHERE registered_at IS NOT NULL",
    "CREATE INDEX ticket_completed ON ticket (completed_at) WHERE completed_at IS NOT NULL",
    "CREATE INDEX message_minutes ON message (at) WHERE minutes > 0",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await execute(statement)

    manager.add_raw(run)
    return manager
