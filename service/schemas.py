"""What travels over the API: named requests and answers. Times are UTC, ids are texts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec

from service.ticket import ClockView, TicketView

Line = Annotated[str, msgspec.Meta(max_length=500)]


class Incoming(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request body; unknown fields are refused, so that a typing error is never a silent default."""


class NewTicket(Incoming, frozen=True, kw_only=True):
    """A request of a customer (clause 4.2). What is missing is asked for; only words about the matter are needed."""

    channel: Literal["portal", "email", "phone"]
    text: Annotated[str, msgspec.Meta(max_length=200_000)] = ""
    subject: Line = ""
    organisation: Line = ""
    full_name: Line = ""
    position: Line = ""
    phone: Annotated[str, msgspec.Meta(max_length=100)] = ""
    email: Annotated[str, msgspec.Meta(max_length=320)] = ""
    product: Annotated[str, msgspec.Meta(max_length=300)] = ""
    contract: Annotated[str, msgspec.Meta(max_length=200)] = ""
    language: Literal["", "ru", "en"] = ""


class TicketPage(msgspec.Struct, frozen=True):
    items: list[TicketView]
    next_cursor: str | None


class Choice(msgspec.Struct, frozen=True):
    code: str
    label: str


class MoveField(msgspec.Struct, frozen=True):
    """One field of a move. `choices` is empty where anything of its kind goes."""

    name: str
    kind: str
    label: str
    required: bool
    choices: list[Choice]


class PossibleMove(msgspec.Struct, frozen=True):
    """A move you may make now, and what it must carry. `to` is null when the state stays."""

    trigger: str
    label: str
    to: str | None
    dangerous: bool
    fields: list[MoveField]


class PossibleMoves(msgspec.Struct, frozen=True):
    """Everything you may do with the ticket as it stands at `seq`."""

    state: str
    seq: int
    items: list[PossibleMove]


class EntryActor(msgspec.Struct, frozen=True):
    kind: str
    name: str


class JournalEntryView(msgspec.Struct, frozen=True):
    """One act on a ticket; `hash` is the SHA-256 chain, in hexadecimal."""

    seq: int
    at: datetime
    kind: str
    trigger: str
    from_state: str | None
    to_state: str
    actor: EntryActor
    cause: str
    data: dict[str, Any]
    hash: str


class JournalPage(msgspec.Struct, frozen=True):
    items: list[JournalEntryView]
    next_cursor: str | None


class AttachmentView(msgspec.Struct, frozen=True):
    """A file of a ticket. `refused` says why it was not kept."""

    id: str
    message: str | None
    filename: str
    content_type: str
    size: int
    sha256: str
    refused: str
    at: datetime


class AttachmentPage(msgspec.Struct, frozen=True):
    items: list[AttachmentView]
    next_cursor: str | None


class MessageView(msgspec.Struct, frozen=True):
    """What was said. `direction` is in, out or internal; `method` the channel or the delivery method."""

    id: str
    seq: int
    direction: str
    author: str
    text: str
    reply: str
    method: str
    minutes: int
    at: datetime


class MessagePage(msgspec.Struct, frozen=True):
    items: list[MessageView]
    next_cursor: str | None


class CountedSpan(msgspec.Struct, frozen=True):
    start: datetime
    end: datetime
    seconds: float
    why: str


class SkippedSpan(msgspec.Struct, frozen=True):
    first: date
    last: date
    why: str


class PausedSpan(msgspec.Struct, frozen=True):
    start: datetime
    end: datetime | None
    reason: str
    by: str


class TargetView(msgspec.Struct, frozen=True):
    amount: int
    kind: str


class BothLanguages(msgspec.Struct, frozen=True):
    ru: str
    en: str


class PassportView(msgspec.Struct, frozen=True):
    """Why a deadline is what it is: `total_seconds` is the sum of `counted`."""

    clock: str
    priority: str
    target: TargetView
    regulation_version: int
    calendar: str
    origin: datetime
    due: datetime
    counted: list[CountedSpan]
    skipped: list[SkippedSpan]
    paused: list[PausedSpan]
    total_seconds: float
    text: BothLanguages


class DeadlineView(msgspec.Struct, frozen=True):
    """The deadlines of a ticket with their passports; null where no clock ran or the calendar has no such year."""

    registration_due_at: datetime | None
    due_at: datetime | None
    promised_at: datetime | None
    clock: ClockView
    registration: PassportView | None
    resolution: PassportView | None


class SealKey(msgspec.Struct, frozen=True):
    """A public key, in base64."""

    algorithm: str
    key: str


class EventView(msgspec.Struct, frozen=True):
    """One event, with the same id, type, timestamp and data as its webhook."""

    id: str
    type: str
    timestamp: datetime
    data: dict[str, Any]


class EventPage(msgspec.Struct, frozen=True):
    """`next_cursor` is where to go on, also later; it is null only when nothing came."""

    items: list[EventView]
    next_cursor: str | None


# --- webhooks ---------------------------------------------------------------------------------------------------------


class NewWebhook(Incoming, frozen=True, kw_only=True):
    """A subscription. `event_types` may be `*`; a filter names one value or several."""

    url: str
    event_types: list[str] = msgspec.field(default_factory=lambda: ["*"])
    filters: dict[str, str | list[str]] = {}


class WebhookView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    url: str
    event_types: list[str]
    filters: dict[str, list[str]]
    status: str
    disabled_reason: str
    failing_since: datetime | None
    hold_until: datetime | None
    old_secret_until: datetime | None
    created_by: str
    created_at: datetime


class WebhookWithSecret(WebhookView, frozen=True, kw_only=True):
    """The only time the secret is shown."""

    secret: str


class WebhookPage(msgspec.Struct, frozen=True):
    items: list[WebhookView]
    next_cursor: str | None


class WebhookSecret(msgspec.Struct, frozen=True):
    secret: str
    old_secret_until: datetime


class Ping(msgspec.Struct, frozen=True):
    event_id: str


class WebhookChange(Incoming, frozen=True, kw_only=True):
    """What shall be different; what is left out stays as it is."""

    url: str | None = None
    event_types: list[str] | None = None
    filters: dict[str, str | list[str]] | None = None


class Replay(Incoming, frozen=True, kw_only=True):
    """What to send again: deliveries or events by id, all of a ticket (id or number), of a time range, all that failed.

    Every part that is given narrows the others.
    """

    deliveries: list[str] | None = None
    events: list[str] | None = None
    ticket: str = ""
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    until: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    failed: bool = False


class Replayed(msgspec.Struct, frozen=True):
    """How many go out again; when there are more, `next_since` is the instant from which to ask on."""

    deliveries: int
    next_since: datetime | None


class AttemptView(msgspec.Struct, frozen=True):
    """One try: the headers that were signed and sent, and the beginning of the answer."""

    n: int
    started_at: datetime
    ms: int
    http_status: int | None
    error: str
    request_headers: dict[str, str]
    response_head: str


class DeliveryView(msgspec.Struct, frozen=True):
    """One event on its way to one subscription. `body` is what is sent, byte for byte."""

    id: str
    event_id: str
    type: str
    ticket: str | None
    seq: int
    status: str
    attempt: int
    next_at: datetime
    last_error: str
    created_at: datetime
    delivered_at: datetime | None
    body: str
    attempts: list[AttemptView]


class DeliveryPage(msgspec.Struct, frozen=True):
    items: list[DeliveryView]
    next_cursor: str | None


class EventTypeView(msgspec.Struct, frozen=True):
    """A type of event: when it comes, the JSON Schema (2020-12) of the whole event, and an example."""

    type: str
    description: str
    schema: dict[str, Any]
    example: dict[str, Any]


class EventTypePage(msgspec.Struct, frozen=True):
    items: list[EventTypeView]
    next_cursor: str | None


# --- letters ----------------------------------------------------------------------------------------------------------


class LetterView(msgspec.Struct, frozen=True):
    """A letter of ours and what became of it. `why` is the last error, the refusal, or why it waits."""

    id: str
    ticket: str | None
    number: str | None
    kind: str
    recipient: str
    subject: str
    message_id: str
    status: str
    why: str
    attempt: int
    next_at: datetime | None
    at: datetime
    delivered_at: datetime | None


class LetterPage(msgspec.Struct, frozen=True):
    items: list[LetterView]
    next_cursor: str | None


# --- regulations ------------------------------------------------------------------------------------------------------


class RegulationVersion(msgspec.Struct, frozen=True):
    """A published version; one that is `passed_over` never comes into force, a later one took its place."""

    version: int
    effective_at: datetime
    published_at: datetime
    author: str
    note: str
    open_tickets: str
    passed_over: bool


class RegulationPage(msgspec.Struct, frozen=True):
    items: list[RegulationVersion]
    next_cursor: str | None


class RegulationDocument(msgspec.Struct, frozen=True):
    """A version with its whole document."""

    version: int
    document: dict[str, Any]


class CheckRequest(Incoming, frozen=True, kw_only=True):
    document: dict[str, Any]


class Obstacle(msgspec.Struct, frozen=True):
    place: str
    message: str


class CheckResult(msgspec.Struct, frozen=True):
    """Whether the document could be published, and what keeps it from it."""

    publishable: bool
    problems: list[Obstacle]


class PublishRequest(Incoming, frozen=True, kw_only=True):
    """The next version, made from the one in the address; in force from `effective_at`, by default at once."""

    document: dict[str, Any]
    note: str = ""
    effective_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    open_tickets: Literal["keep", "from_now", "from_start"] = "keep"


class Published(msgspec.Struct, frozen=True):
    version: int


class Change(msgspec.Struct, frozen=True):
    """One change: where in the document, and what, in words."""

    place: str
    sentence: str


class RegulationDiff(msgspec.Struct, frozen=True):
    """What `version` says otherwise than `base`; no changes when they are equal."""

    version: int
    base: int
    changes: list[Change]


class CannedAnswerView(msgspec.Struct, frozen=True):
    code: str
    title: BothLanguages
    text: BothLanguages
    product: str


class CannedAnswerPage(msgspec.Struct, frozen=True):
    items: list[CannedAnswerView]
    next_cursor: str | None


# --- the directory ----------------------------------------------------------------------------------------------------


class NewOrganisation(Incoming, frozen=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    domains: list[str] = []


class OrganisationView(msgspec.Struct, frozen=True):
    id: str
    name: str
    domains: list[str]
    created_at: datetime


class OrganisationPage(msgspec.Struct, frozen=True):
    items: list[OrganisationView]
    next_cursor: str | None


class NewContact(Incoming, frozen=True, kw_only=True):
    """A person of a customer, known by one or more mail addresses."""

    full_name: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    addresses: list[str]
    organisation: str = ""
    position: Annotated[str, msgspec.Meta(max_length=500)] = ""
    phone: Annotated[str, msgspec.Meta(max_length=100)] = ""
    language: Literal["ru", "en"] = "ru"


class ContactRecord(msgspec.Struct, frozen=True):
    id: str
    organisation: str | None
    full_name: str
    position: str
    phone: str
    language: str
    addresses: list[str]


class ContactPage(msgspec.Struct, frozen=True):
    items: list[ContactRecord]
    next_cursor: str | None


class NewContract(Incoming, frozen=True, kw_only=True):
    """`organisation` is an id or a name; `ends_on` is the last day of the term."""

    organisation: str
    number: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    starts_on: date
    ends_on: date | None = None
    products: list[str] = []
    service_level: Annotated[str, msgspec.Meta(max_length=60)] = ""


class ContractView(msgspec.Struct, frozen=True):
    id: str
    organisation: str
    number: str
    products: list[str]
    service_level: str
    starts_on: date
    ends_on: date | None


class ContractPage(msgspec.Struct, frozen=True):
    items: list[ContractView]
    next_cursor: str | None


class NewUser(Incoming, frozen=True, kw_only=True):
    email: str
    name: str
    role: Literal["operator", "supervisor", "process_owner", "administrator"]
    language: Literal["ru", "en"] = "ru"


class UserWithPassword(msgspec.Struct, frozen=True):
    """The only time the password is shown."""

    id: str
    email: str
    password: str


class UserView(msgspec.Struct, frozen=True):
    id: str
    email: str
    name: str
    role: str
    language: str
    active: bool
    created_at: datetime
    signed_in_at: datetime | None


class UserPage(msgspec.Struct, frozen=True):
    items: list[UserView]
    next_cursor: str | None


class NewToken(Incoming, frozen=True, kw_only=True):
    """Without scopes it may do all that its role may; without `user` it acts under its own name."""

    name: str
    role: Literal["operator", "supervisor", "process_owner", "administrator"]
    scopes: Annotated[list[str], msgspec.Meta(min_length=1)] | msgspec.UnsetType = msgspec.UNSET
    user: str = ""
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class TokenShown(msgspec.Struct, frozen=True):
    """The only time the token is shown."""

    id: str
    name: str
    token: str


class TokenView(msgspec.Struct, frozen=True):
    id: str
    name: str
    role: str
    scopes: list[str]
    user: str | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None


class TokenPage(msgspec.Struct, frozen=True):
    items: list[TokenView]
    next_cursor: str | None


# --- changes to one record: what is not named stays -------------------------------------------------------------------


class OrganisationChange(Incoming, frozen=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | msgspec.UnsetType = msgspec.UNSET
    domains: list[str] | msgspec.UnsetType = msgspec.UNSET


class ContactChange(Incoming, frozen=True, kw_only=True):
    """An empty `organisation` takes the person out of theirs; `addresses` replaces all of them."""

    full_name: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | msgspec.UnsetType = msgspec.UNSET
    addresses: list[str] | msgspec.UnsetType = msgspec.UNSET
    organisation: str | msgspec.UnsetType = msgspec.UNSET
    position: Annotated[str, msgspec.Meta(max_length=500)] | msgspec.UnsetType = msgspec.UNSET
    phone: Annotated[str, msgspec.Meta(max_length=100)] | msgspec.UnsetType = msgspec.UNSET
    language: Literal["ru", "en"] | msgspec.UnsetType = msgspec.UNSET


class ContractChange(Incoming, frozen=True, kw_only=True):
    """`ends_on: null` makes the contract open-ended."""

    number: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    products: list[str] | msgspec.UnsetType = msgspec.UNSET
    service_level: Annotated[str, msgspec.Meta(max_length=60)] | msgspec.UnsetType = msgspec.UNSET
    starts_on: date | msgspec.UnsetType = msgspec.UNSET
    ends_on: date | msgspec.UnsetType | None = msgspec.UNSET


class UserChange(Incoming, frozen=True, kw_only=True):
    """Who is switched off, or gets another role, is signed out at once."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    role: Literal["operator", "supervisor", "process_owner", "administrator"] | msgspec.UnsetType = msgspec.UNSET
    language: Literal["ru", "en"] | msgspec.UnsetType = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET


# --- tickets of another desk ------------------------------------------------------------------------------------------


class ImportedStep(Incoming, frozen=True, kw_only=True):
    """One act: a move with its fields as `POST …/moves` takes them, when, and by whom."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    trigger: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
    kind: Literal["staff", "customer", "clock"] = "staff"
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    fields: dict[str, Any] = {}


class ImportedTicket(Incoming, frozen=True, kw_only=True):
    """A ticket under the name the other desk gave it; the same name is taken over once."""

    external_id: Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[ -~]+$")]
    request: NewTicket
    received_at: Annotated[datetime, msgspec.Meta(tz=True)]
    history: Annotated[list[ImportedStep], msgspec.Meta(max_length=500)] = []


class Import(Incoming, frozen=True, kw_only=True):
    """Up to 200 tickets, each taken over or refused by itself. `tell`: subscriptions get their events."""

    tickets: Annotated[list[ImportedTicket], msgspec.Meta(min_length=1, max_length=200)]
    tell: bool = False


class ImportFault(msgspec.Struct, frozen=True):
    field: str
    message: str


class ImportResult(msgspec.Struct, frozen=True):
    """What became of one ticket: `imported`, `known` from an earlier import, or `refused` with what is wrong."""

    external_id: str
    status: Literal["imported", "known", "refused"]
    id: str | None
    number: str | None
    errors: list[ImportFault]


class ImportResults(msgspec.Struct, frozen=True):
    items: list[ImportResult]
