"""Every table of the service: one Piccolo app, because one transaction spans them."""

from __future__ import annotations

from datetime import UTC, datetime

from piccolo.columns import (
    JSONB,
    UUID,
    BigInt,
    BigSerial,
    Boolean,
    Bytea,
    Date,
    ForeignKey,
    Integer,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from service.database import DB

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Organisation(Table, db=DB, tablename="organisation"):
    """A customer: a legal person with the right to support (clause 2)."""

    id = BigSerial(primary_key=True)
    name = Varchar(length=500, unique=True)
    domains = JSONB(default="[]")  # mail domains whose people belong here
    created_at = Timestamptz(default=EPOCH)
    merged_into = BigInt(null=True, default=None)  # the record that stands for this one now


class Contract(Table, db=DB, tablename="contract"):
    """What an organisation is entitled to: products, level of service, term."""

    id = BigSerial(primary_key=True)
    organisation = ForeignKey(Organisation, on_delete=OnDelete.restrict, null=False)
    number = Varchar(length=200, unique=True)
    products = JSONB(default="[]")
    service_level = Varchar(length=60)
    starts_on = Date()
    ends_on = Date(null=True, default=None)


class Contact(Table, db=DB, tablename="contact"):
    """A person of a customer, known by one or more addresses."""

    id = BigSerial(primary_key=True)
    organisation = ForeignKey(Organisation, on_delete=OnDelete.restrict, null=True)
    full_name = Varchar(length=500)
    position = Varchar(length=500, default="")
    phone = Varchar(length=100, default="")
    language = Varchar(length=2, default="ru")
    created_at = Timestamptz(default=EPOCH)
    merged_into = BigInt(null=True, default=None)  # the record that stands for this one now


class ContactAddress(Table, db=DB, tablename="contact_address"):
    """One mail address of a contact; an address belongs to one person."""

    id = BigSerial(primary_key=True)
    address = Varchar(length=320, unique=True)  # lower case
    contact = ForeignKey(Contact, on_delete=OnDelete.restrict, null=False)


class User(Table, db=DB, tablename="app_user"):
    """A person of the support centre."""

    id = BigSerial(primary_key=True)
    email = Varchar(length=320, unique=True)
    name = Varchar(length=200)
    role = Varchar(length=30)
    language = Varchar(length=2, default="ru")
    password_hash = Varchar(length=300)
    active = Boolean(default=True)
    created_at = Timestamptz(default=EPOCH)
    signed_in_at = Timestamptz(null=True, default=None)
    absent_from = Timestamptz(null=True, default=None)
    absent_until = Timestamptz(null=True, default=None)
    deputy = BigInt(null=True, default=None)  # the account that is told instead during an absence
    notices = JSONB(default="{}")  # kind of notice → where it goes: mail, bell; what is left out is as usual


class Session(Table, db=DB, tablename="app_session"):
    """A signed-in browser. The cookie holds the id; the table holds only its hash."""

    id_hash = Bytea(primary_key=True)
    user = ForeignKey(User, on_delete=OnDelete.restrict, null=True)
    contact = ForeignKey(Contact, on_delete=OnDelete.restrict, null=True, default=None)  # a customer's, then no user's
    data = Bytea()  # from where: what the browser calls itself, and its address
    created_at = Timestamptz(default=EPOCH)
    expires_at = Timestamptz(default=EPOCH, index=True)


class Token(Table, db=DB, tablename="api_token"):
    """A key of a program. Only its hash is kept; a token without a user acts under its own name."""

    id = BigSerial(primary_key=True)
    name = Varchar(length=200)
    token_hash = Bytea(unique=True)
    role = Varchar(length=30)
    scopes = JSONB(default="[]")
    user = ForeignKey(User, on_delete=OnDelete.restrict, null=True)
    created_at = Timestamptz(default=EPOCH)
    expires_at = Timestamptz(null=True, default=None)
    used_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)


class RegulationVersion(Table, db=DB, tablename="regulation"):
    """A published version of the regulation. It never changes."""

    version = Integer(primary_key=True)
    document = JSONB()
    effective_at = Timestamptz(default=EPOCH)
    published_at = Timestamptz(default=EPOCH)
    author = Varchar(length=200)
    note = Text(default="")
    open_tickets = Varchar(length=12, default="keep")


class RegulationDraft(Table, db=DB, tablename="regulation_draft"):
    """A regulation being edited. `revision` grows with each save, so that two editors notice each other."""

    id = BigSerial(primary_key=True)
    name = Varchar(length=200)
    document = JSONB()
    based_on = Integer()
    revision = Integer(default=1)
    author = Varchar(length=200)
    changed_at = Timestamptz(default=EPOCH)


class Republication(Table, db=DB, tablename="republication"):
    """Carrying a published version over to the tickets that are open when it takes effect; one row a version."""

    version = Integer(primary_key=True)
    choice = Varchar(length=12)  # keep, from_start, from_now
    starts_at = Timestamptz(default=EPOCH)
    gathered_at = Timestamptz(null=True, default=None)
    total = Integer(default=0)
    done = Integer(default=0)
    skipped = Integer(default=0)
    finished_at = Timestamptz(null=True, default=None)


class RepublishedTicket(Table, db=DB, tablename="republished_ticket"):
    """An open ticket that a version is carried over to. `outcome` is empty while it waits its turn."""

    id = BigSerial(primary_key=True)
    version = Integer()
    ticket = UUID(null=False, default=None)
    outcome = Varchar(length=10, default="")  # done, skipped
    reason = Text(default="")  # an English msgid, for a ticket that keeps its version
    params = JSONB(default="{}")


class Ticket(Table, db=DB, tablename="ticket"):
    """A ticket as it stands now. Everything here can be told anew from its journal."""

    id = UUID(primary_key=True, default=None)
    number = Varchar(length=60, null=True, default=None, unique=True)
    state = Varchar(length=30)
    state_since = Timestamptz(default=EPOCH)
    priority = Varchar(length=60, null=True, default=None)
    priority_rank = Integer(default=0)
    subject = Varchar(length=1000)
    text = Text()
    channel = Varchar(length=10)
    product = Varchar(length=300, default="")
    language = Varchar(length=2, default="ru")
    organisation = ForeignKey(Organisation, on_delete=OnDelete.restrict, null=True)
    organisation_name = Varchar(length=500, default="")
    contact = ForeignKey(Contact, on_delete=OnDelete.restrict, null=True)
    full_name = Varchar(length=500, default="")
    position = Varchar(length=500, default="")
    phone = Varchar(length=100, default="")
    email = Varchar(length=320, default="")
    contract = ForeignKey(Contract, on_delete=OnDelete.restrict, null=True)
    contract_number = Varchar(length=200, default="")
    contract_expired = Boolean(default=False)
    service_level = Varchar(length=60, default="")
    assignee = ForeignKey(User, on_delete=OnDelete.restrict, null=True)
    received_at = Timestamptz(default=EPOCH)
    registered_at = Timestamptz(null=True, default=None)
    accepted_at = Timestamptz(null=True, default=None)
    registration_due_at = Timestamptz(null=True, default=None)
    due_at = Timestamptz(null=True, default=None)
    late_from = Timestamptz(null=True, default=None)  # from when it counts as late, as long as nothing happens
    promised_at = Timestamptz(null=True, default=None)
    completed_at = Timestamptz(null=True, default=None)
    closed_at = Timestamptz(null=True, default=None)
    registration_result = Varchar(length=10, null=True, default=None)
    resolution_result = Varchar(length=10, null=True, default=None)
    outcome = Varchar(length=60, null=True, default=None)
    minutes_total = Integer(default=0)
    answer_unread = Boolean(default=False)
    completion_bounced = Boolean(default=False)
    seq = Integer(default=0)
    head = Bytea()  # hash of the last journal entry
    last_at = Timestamptz(default=EPOCH)
    regulation_version = Integer()
    clocks = JSONB()  # the clocks as the journal leaves them; a cache, checked by `verify`
    thread = JSONB(default="[]")  # the last Message-IDs of the talk, the oldest first
    generations = JSONB(default="{}")  # timer kind → last generation


class JournalEntry(Table, db=DB, tablename="journal"):
    """One act on one ticket. Append-only: a trigger in the database refuses to change or delete it.

    `body` holds the canonical bytes as they were hashed; the columns beside it are copies for queries, and `verify`
    compares them.
    """

    id = BigSerial(primary_key=True)
    ticket = ForeignKey(Ticket, on_delete=OnDelete.restrict, null=False)
    seq = Integer()
    kind = Varchar(length=12)
    trigger = Varchar(length=30)
    from_state = Varchar(length=30, null=True, default=None)
    to_state = Varchar(length=30)
    actor_kind = Varchar(length=12)
    actor_id = Varchar(length=60, default="")
    actor_name = Varchar(length=500, default="")
    cause = Varchar(length=200)
    n = Integer(default=0)
    at = Timestamptz(default=EPOCH)
    body = Bytea()
    hash = Bytea()


class Message(Table, db=DB, tablename="message"):
    """What was said on a ticket. Personal text lives here; the journal holds only its hash."""

    id = UUID(primary_key=True, default=None)
    ticket = ForeignKey(Ticket, on_delete=OnDelete.restrict, null=False)
    seq = Integer()
    direction = Varchar(length=10)  # in, out, internal
    author = Varchar(length=500)
    text = Text()
    reply = Text(default="")  # the author's own part, without quotes
    html = Text(default="")
    method = Varchar(length=30, default="")  # channel of what came in, delivery method of what went out
    minutes = Integer(default=0)
    at = Timestamptz(default=EPOCH)
    mail = UUID(null=True, default=None)
    letter_id = Varchar(length=500, default="")  # Message-ID, without brackets


class Attachment(Table, db=DB, tablename="attachment"):
    """A file of a ticket, judged by its content and stored under the hash of it; refused ones are named, not kept."""

    id = UUID(primary_key=True, default=None)
    ticket = ForeignKey(Ticket, on_delete=OnDelete.restrict, null=False)
    message = ForeignKey(Message, on_delete=OnDelete.restrict, null=True)
    filename = Varchar(length=300)
    content_type = Varchar(length=100)
    size = BigInt()
    sha256 = Varchar(length=64, default="")
    content_id = Varchar(length=300, default="")
    refused = Varchar(length=60, default="")
    at = Timestamptz(default=EPOCH)


class TicketLink(Table, db=DB, tablename="ticket_link"):
    """One ticket points at another."""

    id = BigSerial(primary_key=True)
    ticket = ForeignKey(Ticket, on_delete=OnDelete.restrict, null=False)
    other = ForeignKey(Ticket, on_delete=OnDelete.restrict, null=False)
    relation = Varchar(length=20)
    at = Timestamptz(default=EPOCH)


class Timer(Table, db=DB, tablename="timer"):
    """Something that comes due. A row fires once; the loop that finds it needs nothing but this table."""

    id = BigSerial(primary_key=True)
    subject = UUID(null=False, default=None)  # the ticket or the held mail
    subject_kind = Varchar(length=12, default="ticket")
    kind = Varchar(length=120)
    generation = Integer()
    due_at = Timestamptz(default=EPOCH)
    status = Varchar(length=10, default="armed")  # armed, fired, cancelled, superseded
    ended_at = Timestamptz(null=True, default=None)


class Event(Table, db=DB, tablename="event"):
    """What happened, as integrators are told: the exact bytes, and the transaction for a safe reading order."""

    position = BigSerial(primary_key=True)
    event_id = Varchar(length=60, unique=True)
    type = Varchar(length=40)
    ticket = UUID(null=True, default=None)
    seq = Integer(default=0)
    body = Bytea()
    at = Timestamptz(default=EPOCH)


class Webhook(Table, db=DB, tablename="webhook"):
    """A subscription of an integrator: where, what, filtered how, and the sealed secret."""

    id = UUID(primary_key=True, default=None)
    url = Varchar(length=2000)
    event_types = JSONB(default='["*"]')
    filters = JSONB(default="{}")
    secret = Bytea()
    old_secret = Bytea(null=True, default=None)
    old_secret_until = Timestamptz(null=True, default=None)
    status = Varchar(length=10, default="enabled")  # enabled, disabled
    disabled_reason = Varchar(length=200, default="")
    failing_since = Timestamptz(null=True, default=None)
    breaker = JSONB(default="{}")
    hold_until = Timestamptz(null=True, default=None)
    created_by = Varchar(length=200)
    created_at = Timestamptz(default=EPOCH)


class Outbox(Table, db=DB, tablename="outbox"):
    """A letter or a webhook on its way, written with the act that causes it. `body` is what is sent, byte for byte.

    Files travel behind the body of a letter: they are put to it when it leaves, the same way each time.
    """

    id = BigSerial(primary_key=True)
    event_id = Varchar(length=80)
    channel = Varchar(length=10)  # letter, webhook
    endpoint = Varchar(length=60)  # webhook id, or "smtp"
    ticket = UUID(null=True, default=None)
    seq = Integer(default=0)
    type = Varchar(length=40)
    recipients = JSONB(default="[]")
    body = Bytea()
    files = JSONB(default="[]")  # what travels with a letter: names and hashes, the shelf keeps the content
    status = Varchar(length=10, default="pending")  # pending, sending, delivered, dead, parked, cancelled, merged
    attempt = Integer(default=0)
    crash_count = Integer(default=0)
    next_at = Timestamptz(default=EPOCH)
    claim_id = UUID(null=True, default=None)
    lease_until = Timestamptz(null=True, default=None)
    last_error = Text(default="")
    created_at = Timestamptz(default=EPOCH)
    delivered_at = Timestamptz(null=True, default=None)
    digest = BigInt(null=True, default=None)  # the letter that carries this merged one
    trace = Varchar(length=60, default="")  # the traceparent of the act, where traces are collected


class Attempt(Table, db=DB, tablename="attempt"):
    """One try to deliver one row of the outbox."""

    id = BigSerial(primary_key=True)
    outbox = BigInt(index=True)
    n = Integer()
    started_at = Timestamptz(default=EPOCH)
    ms = Integer(default=0)
    http_status = Integer(null=True, default=None)
    error = Text(default="")
    request_head = JSONB(default="{}")  # the headers it went with; a secret is never among them
    response_head = Bytea(default=b"")


class Idempotency(Table, db=DB, tablename="idem"):
    """The answer a request with an Idempotency-Key got, to be given again."""

    id = BigSerial(primary_key=True)
    principal = Varchar(length=60)
    key = Varchar(length=200)
    request_hash = Bytea()
    response = Bytea()
    status = Integer()
    at = Timestamptz(default=EPOCH)


class Mail(Table, db=DB, tablename="mail"):
    """A mail as it arrived: raw bytes first, everything else is a reading of them."""

    id = UUID(primary_key=True, default=None)
    original = Bytea()  # the bytes as they came
    sha256 = Varchar(length=64)
    message_id = Varchar(length=1000, default="", index=True)
    envelope_from = Varchar(length=320, default="")
    recipients = JSONB(default="[]")
    source = Varchar(length=300)  # smtp, lmtp, pipe, or mailbox with UIDVALIDITY and UID
    received_at = Timestamptz(default=EPOCH)
    status = Varchar(length=12, default="stored")  # stored, done, held, failed, dropped, spam, duplicate
    kind = Varchar(length=20, default="")
    reason = Text(default="")
    ticket = UUID(null=True, default=None, index=True)
    sender = Varchar(length=320, default="")
    subject = Varchar(length=1000, default="")
    attempts = Integer(default=0)


class Letter(Table, db=DB, tablename="letter"):
    """A letter of ours: which ticket, which kind, under which Message-ID, and what became of it."""

    id = UUID(primary_key=True, default=None)
    ticket = UUID(null=True, default=None, index=True)
    seq = Integer(default=0)
    kind = Varchar(length=30)
    letter_id = Varchar(length=300, unique=True)
    recipient = Varchar(length=320)
    subject = Varchar(length=1000)
    text = Text()
    outbox = BigInt(null=True, default=None, index=True)
    at = Timestamptz(default=EPOCH)
    bounced = Text(default="")


class SignedLink(Table, db=DB, tablename="signed_link"):
    """A single-use link in a letter: what it does, on which ticket and completion, until when, whether used."""

    id = UUID(primary_key=True, default=None)
    ticket = UUID(null=False, default=None, index=True)
    act = Varchar(length=12)  # confirm, dispute
    seq = Integer()  # the entry that completed the ticket; a later one revokes the link
    recipient = Varchar(length=320)
    expires_at = Timestamptz(default=EPOCH)
    used_at = Timestamptz(null=True, default=None)


class Alarm(Table, db=DB, tablename="alarm"):
    """Something the people who run the system must see: a missing calendar year, a dead delivery, a clock jump."""

    id = BigSerial(primary_key=True)
    kind = Varchar(length=40)
    key = Varchar(length=200)
    sentence = Text()
    params = JSONB(default="{}")
    at = Timestamptz(default=EPOCH)
    cleared_at = Timestamptz(null=True, default=None)


class Audit(Table, db=DB, tablename="audit"):
    """The last result of each standing check: how many rows it found where there must be none."""

    name = Varchar(length=60, primary_key=True)
    found = Integer(default=0)
    detail = Text(default="")
    at = Timestamptz(default=EPOCH)


class ConfigEntry(Table, db=DB, tablename="config_journal"):
    """What was changed besides tickets, by whom: regulation, users, tokens, subscriptions. Append-only."""

    id = BigSerial(primary_key=True)
    at = Timestamptz(default=EPOCH)
    actor_kind = Varchar(length=12)
    actor_name = Varchar(length=200)
    act = Varchar(length=60)
    subject = Varchar(length=300)
    data = JSONB(default="{}")


class SavedView(Table, db=DB, tablename="saved_view"):
    """A filter of the queue under a name: its owner's, or shared with everybody on the desk."""

    id = BigSerial(primary_key=True)
    name = Varchar(length=60)
    query = Varchar(length=2000)
    owner = ForeignKey(User, on_delete=OnDelete.restrict, null=False)
    shared = Boolean(default=False)
    created_at = Timestamptz(default=EPOCH)


class Presence(Table, db=DB, tablename="presence"):
    """Who looks at a ticket or writes on it now. Unlogged: after a crash everybody is simply seen anew."""

    id = BigSerial(primary_key=True)
    ticket = UUID(null=False, default=None)
    user = BigInt()
    writing = Boolean(default=False)
    seen_at = Timestamptz(default=EPOCH)


class Team(Table, db=DB, tablename="team"):
    """Colleagues who are filtered by and told together. The code stands in regulations, so it never changes."""

    id = BigSerial(primary_key=True)
    code = Varchar(length=40, unique=True)
    name = Varchar(length=100)
    created_at = Timestamptz(default=EPOCH)
    ended_at = Timestamptz(null=True, default=None)  # a team that was used stays known under its code


class TeamMember(Table, db=DB, tablename="team_member"):
    """Who belongs to which team."""

    id = BigSerial(primary_key=True)
    team = ForeignKey(Team, on_delete=OnDelete.restrict, null=False)
    user = ForeignKey(User, on_delete=OnDelete.restrict, null=False)


class TicketWatch(Table, db=DB, tablename="ticket_watch"):
    """Who follows a ticket and is told of what happens to it."""

    id = BigSerial(primary_key=True)
    ticket = ForeignKey(Ticket, on_delete=OnDelete.restrict, null=False)
    user = ForeignKey(User, on_delete=OnDelete.restrict, null=False)
    since = Timestamptz(default=EPOCH)


class Notice(Table, db=DB, tablename="notice"):
    """One thing a colleague is told under the bell; what it says is read from the journal, nothing personal is here."""

    id = BigSerial(primary_key=True)
    user = BigInt()
    kind = Varchar(length=12)
    ticket = UUID(null=True, default=None)
    seq = Integer(default=0)  # the entry of the ticket's journal that it tells of
    mail = UUID(null=True, default=None)  # or the held mail that has waited too long
    at = Timestamptz(default=EPOCH)
    read_at = Timestamptz(null=True, default=None)


class CustomerAccount(Table, db=DB, tablename="customer_account"):
    """A customer's right to sign in to the cabinet; one a contact."""

    id = BigSerial(primary_key=True)
    contact = ForeignKey(Contact, on_delete=OnDelete.restrict, null=False, unique=True)
    password_hash = Varchar(length=300)
    sees = Varchar(length=12, default="own")  # own, organisation
    active = Boolean(default=True)
    created_at = Timestamptz(default=EPOCH)
    signed_in_at = Timestamptz(null=True, default=None)


class AccountLink(Table, db=DB, tablename="account_link"):
    """A single-use link that gives a password: to whom it was sent, for what, until when, whether it was used."""

    id = UUID(primary_key=True, default=None)
    kind = Varchar(length=12)  # invitation, registration, reset
    address = Varchar(length=320)  # lower case
    contact = BigInt(null=True, default=None)
    facts = JSONB(default="{}")  # what a person who registers tells, and what an invitation allows
    created_at = Timestamptz(default=EPOCH)
    expires_at = Timestamptz(default=EPOCH)
    ended_at = Timestamptz(null=True, default=None)
    used = Boolean(default=False)  # ended by use, not by a newer link


class Satisfaction(Table, db=DB, tablename="satisfaction"):
    """What the customer thought of one closed ticket, told by one click."""

    id = BigSerial(primary_key=True)
    ticket = ForeignKey(Ticket, on_delete=OnDelete.restrict, null=False, unique=True)
    score = Varchar(length=10)  # good, fair, bad
    at = Timestamptz(default=EPOCH)


TABLES: tuple[type[Table], ...] = (
    Organisation, Contract, Contact, ContactAddress, User, Session, Token, RegulationVersion, RegulationDraft,
    Republication, RepublishedTicket, Ticket, JournalEntry, Message, Attachment, TicketLink, Timer, Event, Webhook,
    Outbox, Attempt, Idempotency, Mail, Letter, SignedLink, Alarm, Audit, ConfigEntry,
    SavedView, Presence, Team, TeamMember, TicketWatch, Notice, CustomerAccount, AccountLink, Satisfaction,
)  # fmt: skip
