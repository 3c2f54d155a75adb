"""What Piccolo has no words for: finding merged records, and what one person did, without reading whole tables."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2026-11-28T12:18:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of merged records, of what customers did, and of files."

STATEMENTS = (
    "CREATE INDEX organisation_merged ON organisation (merged_into) WHERE merged_into IS NOT NULL",
    "CREATE INDEX contact_merged ON contact (merged_into) WHERE merged_into IS NOT NULL",
    "CREATE INDEX journal_customer ON journal (actor_id) WHERE actor_kind = 'customer' AND actor_id <> ''",
    "CREATE INDEX attachment_content ON attachment (sha256) WHERE sha256 <> ''",
    "CREATE INDEX mail_sender ON mail (lower(sender)) WHERE sender <> ''",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await execute(statement)

    manager.add_raw(run)
    return manager
