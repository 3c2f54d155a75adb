"""What Piccolo has no words for: partial indexes, the number sequence, the append-only guard, search."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from service.database import execute

ID = "2026-11-23T06:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes, the number sequence, the append-only guard, full-text search."

STATEMENTS = (
    "CREATE SEQUENCE ticket_number",
    "ALTER TABLE event ADD COLUMN txid xid8 NOT NULL DEFAULT pg_current_xact_id()",
    "ALTER TABLE ticket ADD COLUMN search tsvector",
    # The journal is append-only, whoever asks.
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the journal is append-only';
    END $$
    """,
    "CREATE TRIGGER journal_is_append_only BEFORE UPDATE OR DELETE ON journal "
    "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER config_journal_is_append_only BEFORE UPDATE OR DELETE ON config_journal "
    "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE UNIQUE INDEX journal_seq ON journal (ticket, seq)",
    "CREATE UNIQUE INDEX journal_cause ON journal (ticket, cause, n)",
    "CREATE UNIQUE INDEX journal_birth ON journal (cause) WHERE seq = 1",  # one cause makes one ticket
    "CREATE INDEX journal_at ON journal (at)",
    "CREATE UNIQUE INDEX timer_generation ON timer (subject, kind, generation)",
    "CREATE INDEX timer_due ON timer (due_at, id) WHERE status = 'armed'",
    "CREATE INDEX timer_armed_subject ON timer (subject) WHERE status = 'armed'",
    "CREATE INDEX outbox_pending ON outbox (next_at, id) WHERE status = 'pending'",
    "CREATE INDEX outbox_leases ON outbox (lease_until) WHERE status = 'sending'",
    "CREATE INDEX outbox_order ON outbox (channel, endpoint, ticket, seq, id) WHERE status IN ('pending', 'sending')",
    "CREATE INDEX outbox_endpoint ON outbox (endpoint, id)",
    "CREATE INDEX outbox_ticket ON outbox (ticket) WHERE ticket IS NOT NULL",
    "CREATE INDEX outbox_delivered ON outbox (delivered_at) WHERE status = 'delivered'",
    "CREATE UNIQUE INDEX idem_key ON idem (principal, key)",
    "CREATE INDEX idem_at ON idem (at)",
    "CREATE INDEX event_order ON event (txid, position)",
    "CREATE INDEX event_ticket ON event (ticket, seq)",
    "CREATE INDEX message_ticket ON message (ticket, at, id)",
    "CREATE INDEX message_letter ON message (letter_id) WHERE letter_id <> ''",
    "CREATE INDEX attachment_ticket ON attachment (ticket)",
    "CREATE INDEX attachment_message ON attachment (message) WHERE message IS NOT NULL",
    "CREATE INDEX ticket_link_ticket ON ticket_link (ticket)",
    "CREATE INDEX ticket_link_other ON ticket_link (other)",
    "CREATE INDEX mail_to_read ON mail (received_at, id) WHERE status = 'stored'",
    "CREATE INDEX mail_held ON mail (received_at, id) WHERE status IN ('held', 'failed')",
    "CREATE INDEX mail_content ON mail (sha256)",
    "CREATE UNIQUE INDEX alarm_open ON alarm (kind, key) WHERE cleared_at IS NULL",
    # The queue: open tickets by priority, then deadline (clause 4.5); each list a keyset page of its own index.
    "CREATE INDEX ticket_queue ON ticket "
    "(priority_rank, (coalesce(due_at, registration_due_at, 'infinity')), id) WHERE closed_at IS NULL",
    "CREATE INDEX ticket_open_state ON ticket (state, priority_rank, id) WHERE closed_at IS NULL",
    "CREATE INDEX ticket_open_assignee ON ticket (assignee, priority_rank, id) WHERE closed_at IS NULL",
    "CREATE INDEX ticket_received ON ticket (received_at DESC, id DESC)",
    "CREATE INDEX ticket_organisation ON ticket (organisation, received_at DESC, id DESC)",
    "CREATE INDEX ticket_contact ON ticket (contact, received_at DESC) WHERE contact IS NOT NULL",
    "CREATE INDEX ticket_email ON ticket (email, received_at DESC)",
    "CREATE INDEX ticket_due ON ticket (due_at) WHERE closed_at IS NULL AND due_at IS NOT NULL",
    "CREATE INDEX ticket_registration_due ON ticket (registration_due_at) WHERE number IS NULL AND closed_at IS NULL",
    "CREATE INDEX ticket_search ON ticket USING gin (search)",
)


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await execute(statement)

    manager.add_raw(run)
    return manager
