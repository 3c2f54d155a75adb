"""What Piccolo has no words for: the journal's one exception, and the indexes of the tables made just before.

Piccolo carries out raw statements before it makes tables, so they stand in a migration of their own.
"""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2026-11-23T08:12:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Erasure of names in the journal; indexes of accounts and satisfaction."

STATEMENTS = (
    # The journal stays append-only, with one exception: the name of a customer, which no hash covers, may be blanked.
    """
    CREATE FUNCTION refuse_all_but_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.actor_kind = 'customer' AND NEW.actor_name = '' THEN
            OLD.actor_name := '';
            IF OLD IS NOT DISTINCT FROM NEW THEN
                RETURN NEW;
            END IF;
        END IF;
        RAISE EXCEPTION 'the journal is append-only';
    END $$
    """,
    "DROP TRIGGER journal_is_append_only ON journal",
    "CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE ON journal "
    "FOR EACH ROW EXECUTE FUNCTION refuse_all_but_erasure()",
    "CREATE INDEX account_link_open ON account_link (address) WHERE ended_at IS NULL",
    "CREATE INDEX app_session_contact ON app_session (contact) WHERE contact IS NOT NULL",
    "CREATE INDEX organisation_domains ON organisation USING gin (domains)",
    "CREATE INDEX contact_organisation ON contact (organisation, id)",
    "CREATE INDEX satisfaction_at ON satisfaction (at)",
    "CREATE INDEX ticket_address ON ticket (lower(email), received_at DESC) WHERE contact IS NULL",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await execute(statement)

    manager.add_raw(run)
    return manager
