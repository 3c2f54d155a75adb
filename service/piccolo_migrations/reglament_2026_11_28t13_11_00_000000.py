"""What Piccolo has no words for: the instant for the tickets there are, and the indexes that lead to late ones."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2026-11-28T13:11:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Late tickets, unread answers and requests without a number by an index each."

# As `workflow.sla.late_from` tells it: the date promised in time instead of the deadline; at rest only what had passed.
FILL = """
UPDATE ticket t SET late_from = CASE
    WHEN t.number IS NULL THEN t.registration_due_at
    WHEN t.resolution_result IS NOT NULL THEN CASE WHEN t.resolution_result = 'breached' THEN c.counted END
    WHEN t.clocks #> '{resolution,pauses,-1}' IS NULL OR t.clocks #> '{resolution,pauses,-1,end}' IS NOT NULL
        OR c.counted < (t.clocks #>> '{resolution,pauses,-1,start}')::timestamptz THEN c.counted
END
FROM (
    SELECT id, CASE
        WHEN promised_at > due_at AND (clocks #>> '{resolution,extended_at}')::timestamptz <= due_at
            AND NOT coalesce((clocks #>> '{resolution,promise_missed}')::bool, false) THEN promised_at
        ELSE due_at
    END AS counted FROM ticket WHERE closed_at IS NULL
) c
WHERE c.id = t.id
"""
STATEMENTS = (
    FILL,
    "CREATE INDEX ticket_late ON ticket (late_from) WHERE closed_at IS NULL AND late_from IS NOT NULL",
    "DROP INDEX ticket_due",  # nobody asks by them any more
    "DROP INDEX ticket_registration_due",
    "CREATE INDEX ticket_unread ON ticket (state) WHERE closed_at IS NULL AND answer_unread",
    "CREATE INDEX ticket_unregistered ON ticket (received_at) WHERE number IS NULL AND closed_at IS NULL",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await execute(statement)

    manager.add_raw(run)
    return manager
