"""Indexes of teams, watched tickets and notices."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2026-11-28T11:58:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of teams, watched tickets and notices."

STATEMENTS = (
    'CREATE UNIQUE INDEX team_member_once ON team_member (team, "user")',
    'CREATE INDEX team_member_user ON team_member ("user")',
    'CREATE UNIQUE INDEX ticket_watch_once ON ticket_watch (ticket, "user")',
    'CREATE INDEX ticket_watch_user ON ticket_watch ("user", ticket)',
    # The bell counts by the first, its page reads by the second, what is old is forgotten by the third.
    'CREATE INDEX notice_unread ON notice ("user", ticket) WHERE read_at IS NULL',
    'CREATE INDEX notice_page ON notice ("user", id DESC)',
    "CREATE INDEX notice_at ON notice (at)",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await execute(statement)

    manager.add_raw(run)
    return manager
