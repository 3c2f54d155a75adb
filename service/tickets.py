"""The verbs: each carries out one trigger on one ticket in one transaction, all of it or none of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from service import bell, failpoints, recipients, tracing
from service.actors import Actor
from service.change import Change, File, Spoken
from service.database import DB, fetch, fetchrow, fetchval, retried
from service.files import MOST_AT_ONCE
from service.idempotency import Key, refuse_repetition
from service.notices import AUDIENCE, DEADLINE, MAIL, Reader, read_audience
from service.people import Colleague, Customer, UnknownContact, colleague, customer_by_name
from service.regulations import IN_FORCE, RULEBOOKS
from service.searching import number_in
from service.splitting import SplitMessage, message_of, split_off
from service.ticket import FROM, SELECT, Ticket, read_ticket, view
from service.writing import IDEM
from workflow.definition import Kind, Role
from workflow.errors import FieldError, NotFound, Stale, UnknownTrigger, WrongFields
from workflow.fields import LONGEST_WORD
from workflow.machine import Decision
from workflow.process import PROCESS
from workflow.regulation import Rulebook
from workflow.words import _

# The row under its lock, with all that one act may need: the version in force, a number, and the key's old answer.
LOCK = (
    SELECT
    + f", ({IN_FORCE.format(at='$2')}) AS in_force, "
    + "CASE WHEN $3 AND t.number IS NULL THEN nextval('ticket_number') END AS next_number, "
    + AUDIENCE
    + FROM
    + " WHERE t.id = $1 FOR NO KEY UPDATE OF t"
)


@retried
async def carry_out(
    ticket: UUID,
    trigger: str,
    *,
    by: Actor,
    at: datetime,
    cause: str,
    given: Mapping[str, object] | None = None,
    spoken: Spoken | None = None,
    files: Sequence[File] = (),
    expected_seq: int | None = None,
    seen_seq: int | None = None,
    key: Key | None = None,
) -> Ticket:
    """Carry out one trigger on one ticket: all of it, or none of it.

    `cause` names what makes it happen (`request:…`, `mail:…`): the same cause never acts twice. `spoken` replaces the
    plain text a customer gave, when a mail brought more than that. `expected_seq` is what a program's If-Match demands;
    `seen_seq` is what a person looked at, whom the clock's notes that keep the state do not disturb. Raises the
    machine's refusals, NotFound, Stale, Repeated and KeyReused.
    """
    given = given or {}
    tracing.tell({"reglament.trigger": trigger, "reglament.ticket": str(ticket)})
    found = await find_references(trigger, given, ticket=ticket, at=at)
    try:
        async with DB.transaction(allow_nested=False):
            change, in_force, number = await locked(ticket, at=at, cause=cause, numbered=trigger == "register")
            await refuse_repetition(key)
            await _refuse_stale(change, expected_seq=expected_seq, seen_seq=seen_seq)
            await RULEBOOKS.know(in_force)
            act(
                change, trigger, by=by, given=given, found=found, spoken=spoken, files=files, in_force=in_force,
                number=number,
            )  # fmt: skip
            if found.message:
                await split_off(change, found.message, subject=str(given["subject"]), by=by).write()
            after = await write_with_key(change, key, status=200)
            failpoints.reach("ticket.written")
        failpoints.reach("ticket.committed")
    except asyncpg.UniqueViolationError:
        return await done_before(key, cause, ticket=ticket)
    await ring_for(change)
    return after


async def locked(ticket: UUID, *, at: datetime, cause: str, numbered: bool = False) -> tuple[Change, int, int | None]:
    """The ticket under its lock, ready to change; the version in force at `at`, and a fresh number when asked for."""
    row = await fetchrow(LOCK, ticket, at, numbered)
    if row is None:
        raise NotFound()
    read = read_ticket(row)
    await know_rules(read)
    change = Change(read, now=at, cause=cause, audience=read_audience(row["audience"]))
    return change, row["in_force"], row["next_number"]


async def know_rules(ticket: Ticket) -> None:
    """Load the versions this ticket's clocks obey."""
    clocks = ticket.clocks
    periods = (clocks.registration, clocks.resolution, clocks.auto_close, *clocks.finished)
    for version in {ticket.regulation_version, *(period.version for period in periods if period)}:
        await RULEBOOKS.know(version)


def act(
    change: Change,
    trigger: str,
    *,
    by: Actor,
    given: Mapping[str, object],
    in_force: int,
    found: References | None = None,
    number: int | None = None,
    spoken: Spoken | None = None,
    files: Sequence[File] = (),
) -> Decision:
    """Let the machine decide, and do what follows from it; nothing is written yet."""
    found = found or References()
    files = (*found.files, *files)
    given = _told(trigger, given, by=by, files=files)
    pinned = RULEBOOKS[in_force] if trigger == "register" else change.rules
    decision = _decided(change, trigger, by=by, given=given, rules=pinned, errors=found.errors)
    data = _journalled(decision, by, spoken) | _resolved(decision, found) | _self_assigned(change, decision, by, found)
    if number is not None:
        data |= _registration(change, pinned, number)
    if found.customer:
        change.identify(found.customer)
    if found.assignee:
        change.hand_to(email=found.assignee.email, name=found.assignee.name)
        change.hears(found.assignee)
    elif "assignee" in data:
        change.hand_to(email=by.email, name=by.name)
    if found.other == change.ticket.id:
        raise WrongFields([FieldError(_ticket_field(decision), _("A ticket cannot point at itself."), {})])
    if found.other:
        change.link(found.other, str(decision.given.get("relation", "duplicate")))
    if score := decision.given.get("score"):
        change.rate(str(score))
    spoken = spoken or _spoken(decision, by)
    told = [reader for reader in found.told if str(reader.id) != by.user]
    if found.told:
        data["notified"] = [reader.email for reader in told]
    change.act(
        trigger,
        by=by,
        to_state=decision.to_state,
        data=data,
        spoken=spoken,
        files=files,
        letters=_letters(decision),
        types=decision.move.events,
        context=decision.given if not found.question else {**decision.given, "question": found.question},
        told=told if found.told else None,
    )
    for reader in told:
        if reader.wants(DEADLINE, MAIL):
            change.write_to_colleague(reader, trigger, by=by, spoken=spoken)
    return decision


def _told(trigger: str, given: Mapping[str, object], *, by: Actor, files: Sequence[File]) -> Mapping[str, object]:
    """What was given, with the files summed up. Raises WrongFields when somebody gives what only the system may."""
    move = PROCESS.by_trigger.get(trigger)
    systems = [field.name for field in move.fields if field.kind is Kind.DATA] if move else []
    if by.role is not Role.CLOCK and (meddled := [name for name in systems if name in given]):
        raise WrongFields([FieldError(name, _("The system fills this in."), {}) for name in meddled])
    kept = _files_field(trigger)
    if kept is None or not (files or given.get(kept) == []):
        return given
    told = {name: value for name, value in given.items() if name != kept}
    summary = [{"sha256": file.sha256, "size": file.size, "refused": file.refused} for file in files]
    return {**told, kept: summary} if files else told


def _files_field(trigger: str) -> str | None:
    """The field of a move that holds its files."""
    move = PROCESS.by_trigger.get(trigger)
    return next((field.name for field in move.fields if field.kind is Kind.FILES), None) if move else None


def _ticket_field(decision: Decision) -> str:
    return next(field.name for field in decision.move.fields if field.kind is Kind.TICKET)


def _decided(
    change: Change,
    trigger: str,
    *,
    by: Actor,
    given: Mapping[str, object],
    rules: Rulebook,
    errors: tuple[FieldError, ...],
) -> Decision:
    """The machine's word, and with it the names that stand for nothing: every wrong field at once."""
    try:
        decision = change.decide(trigger, by=by, given=given, rules=rules)
    except WrongFields as wrong:
        raise WrongFields((*wrong.errors, *errors)) from None
    if errors:
        raise WrongFields(errors)
    return decision


# --- what was given, as the journal keeps it --------------------------------------------------------------------------

PERSONAL = frozenset({"text"})  # it lives in messages; the journal holds its hash
INTERNAL = frozenset({"comment", "snooze", "escalate"})
FROM_CUSTOMER = frozenset({"resume", "reply", "dispute", "withdraw"})


def _journalled(decision: Decision, by: Actor, spoken: Spoken | None) -> dict[str, Any]:
    """The facts of an act: codes, minutes and instants; no personal text."""
    data: dict[str, Any] = {name: value for name, value in decision.given.items() if name not in PERSONAL}
    if isinstance(details := data.pop("details", None), Mapping):
        data |= details
    for name, value in data.items():
        if isinstance(value, datetime):
            data[name] = value.isoformat()
    asks = spoken is None or spoken.asks
    if decision.move.trigger == "reply" and by.kind == "customer" and asks:
        data["unread"] = True
    return data


def _resolved(decision: Decision, found: References) -> dict[str, Any]:
    """Ids in place of the names that were given."""
    data: dict[str, Any] = {}
    if found.assignee:
        data["assignee"] = str(found.assignee.id)
    if found.other:
        data[_ticket_field(decision)] = str(found.other)
    if found.customer:
        data |= {
            "organisation": _word(found.customer.organisation),
            "contact": _word(found.customer.contact),
            "contract": _word(found.customer.contract),
            "service_level": found.customer.service_level,
        }
    return data


def _word(id: int | None) -> str:
    return "" if id is None else str(id)


def _self_assigned(change: Change, decision: Decision, by: Actor, found: References) -> dict[str, Any]:
    """Work that nobody has becomes the work of who begins it; a token without a person leaves it open."""
    nobodys = not change.position.assignee and found.assignee is None
    begins = decision.move.assigns or decision.move.trigger == "resume"
    return {"assignee": by.user} if nobodys and begins and by.user else {}


def _registration(change: Change, rules: Rulebook, number: int) -> dict[str, Any]:
    """What registering fixes (6.3): the number, and the version of the regulation the ticket is pinned to."""
    return {
        "regulation_version": rules.version,
        "number": rules.number(number, year=change.now.year),
        "service_level": change.position.service_level or rules.regulation.service_levels[0].code,
    }


def _spoken(decision: Decision, by: Actor) -> Spoken | None:
    """The message of an act: what a customer said, what was said to one, or a word among colleagues."""
    text = decision.given.get("text")
    if not isinstance(text, str) or not text:
        return None
    trigger = decision.move.trigger
    minutes = decision.given.get("minutes")
    return Spoken(
        direction="internal" if trigger in INTERNAL else "in" if trigger in FROM_CUSTOMER else "out",
        author=by.name,
        text=text,
        reply=text,
        method=str(decision.given.get("delivery_method", "")),
        minutes=minutes if isinstance(minutes, int) else 0,
    )


def _letters(decision: Decision) -> tuple[str, ...]:
    """The letters of the table; spam gets none (7.10)."""
    return () if decision.given.get("reason") == "spam" else decision.move.letters


# --- names become ids before the lock ---------------------------------------------------------------------------------


class References(msgspec.Struct, frozen=True):
    """What the names in a request stand for; `errors` name those that stand for nothing."""

    assignee: Colleague | None = None
    other: UUID | None = None
    customer: Customer | None = None
    message: SplitMessage | None = None
    files: tuple[File, ...] = ()
    told: tuple[Reader, ...] = ()  # whom of the house the act tells
    question: str = ""  # what a reminder reminds of
    errors: tuple[FieldError, ...] = ()


async def find_references(trigger: str, given: Mapping[str, object], *, ticket: UUID, at: datetime) -> References:
    """Look up the people, tickets, messages and organisations that `given` names, before any lock.

    Raises UnknownTrigger.
    """
    move = PROCESS.by_trigger.get(trigger)
    if move is None:
        raise UnknownTrigger(trigger=trigger)
    found: dict[str, Any] = {}
    errors: list[FieldError] = []
    for field in move.fields:
        if field.kind is Kind.FILES:
            found["files"], wrong = await _named_files(given.get(field.name), field.name, ticket=ticket)
            errors += wrong
        value = _name(given, field.name)
        if not value:
            continue
        try:
            if field.kind is Kind.USER:
                found["assignee"] = await colleague(value)
            elif field.kind is Kind.TICKET:
                found["other"] = await ticket_id(value)
            elif field.kind is Kind.MESSAGE:
                found["message"] = await message_of(ticket, value)
            elif field.kind is Kind.ORGANISATION:
                found["customer"] = await customer_by_name(value, _name(given, "contact"), at=at)
        except UnknownContact as missing:
            errors.append(FieldError("contact", missing.sentence, missing.params))
        except NotFound as missing:
            errors.append(FieldError(field.name, missing.sentence, missing.params))
    if move.tells:
        found["told"] = tuple(await recipients.told(move.tells, assignee="", at=at))
    if "reminder" in move.letters:
        found["question"] = await asked_last(ticket)
    return References(**found, errors=tuple(errors))


ASKED = PROCESS.by_trigger["request_info"].to  # where a question waits for its answer


async def asked_last(ticket: UUID) -> str:
    """The question whose answer the customer owes; '' while none is open."""
    question = await fetchval(
        "SELECT m.text FROM message m JOIN journal j ON j.ticket = m.ticket AND j.seq = m.seq "
        "JOIN ticket t ON t.id = m.ticket AND t.state = $2 "
        "WHERE m.ticket = $1 AND m.direction = 'out' AND j.trigger = 'request_info' ORDER BY m.seq DESC LIMIT 1",
        ticket, ASKED,
    )  # fmt: skip
    return question or ""


async def _named_files(given: object, field: str, *, ticket: UUID) -> tuple[tuple[File, ...], list[FieldError]]:
    """Files that lie on the ticket already, by their ids, in the order given; they go along once more.

    What is no list at all is left for the machine to refuse.
    """
    if not isinstance(given, list) or not given:
        return (), []
    if not all(isinstance(one, str) for one in given):
        return (), [FieldError(field, _("Give the ids of files on this ticket as a list."), {})]
    names = list(dict.fromkeys(one.lower() for one in given))
    if len(names) > MOST_AT_ONCE:
        return (), [FieldError(field, _("At most {most} files go with one request."), {"most": str(MOST_AT_ONCE)})]
    rows = await fetch(
        "SELECT id::text, filename, content_type, size, sha256, content_id FROM attachment "
        "WHERE ticket = $1 AND id::text = ANY($2) AND sha256 <> ''",
        ticket,
        [_stored(one) for one in names],
    )
    known = {
        row["id"]: File(row["filename"], row["content_type"], row["size"], row["sha256"], row["content_id"])
        for row in rows
    }
    unknown = _("There is no file “{value}” on this ticket.")
    errors = [FieldError(field, unknown, {"value": one[:LONGEST_WORD]}) for one in names if one not in known]
    return tuple(known[one] for one in names if one in known), errors


def _stored(word: str) -> str:
    """Without what no database holds."""
    return word.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _name(given: Mapping[str, object], field: str) -> str:
    """What may be looked up: a text no longer than names are (the machine says so), without what no database holds."""
    value = given.get(field)
    if not isinstance(value, str) or len(value) > LONGEST_WORD:
        return ""
    return _stored(value).strip()


async def ticket_id(value: str) -> UUID:
    """The id of the ticket with this id or number, also as it stands in a letter. Raises NotFound."""
    value = _stored(value)
    row = await fetchrow("SELECT id FROM ticket WHERE number = $1 OR id = $2", number_in(value), _uuid(value))
    if row is None:
        raise NotFound(_("There is no ticket “{value}”."), value=value)
    found: UUID = row["id"]
    return found


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


# --- once, and never over somebody else's work ------------------------------------------------------------------------


RECEIVED = _("Received")  # the one act that is no move: how a ticket begins


async def _refuse_stale(change: Change, *, expected_seq: int | None, seen_seq: int | None) -> None:
    """Raises Stale with who did what since the asker looked."""
    known = seen_seq if expected_seq is None else expected_seq
    if known is None or known == change.position.seq:
        return
    of_the_clock = "actor_kind = 'clock' AND from_state = to_state" if expected_seq is None else "false"
    last = await fetchrow(
        "SELECT trigger, actor_name, at FROM journal "
        f"WHERE ticket = $1 AND (seq > $2 OR $2 > $3) AND NOT ({of_the_clock}) ORDER BY seq DESC LIMIT 1",
        change.ticket.id,
        known,
        change.position.seq,
    )
    if last is None:
        return
    move = PROCESS.by_trigger.get(last["trigger"])
    raise Stale(
        who=last["actor_name"],
        move=move.label if move else RECEIVED,
        at=last["at"].strftime("%Y-%m-%d %H:%M UTC"),
    )


def answer_to(ticket: Ticket, *, at: datetime) -> bytes:
    """The bytes a move or an intake is answered with."""
    return msgspec.json.encode(view(ticket, at=at))


async def write_with_key(change: Change, key: Key | None, *, status: int) -> Ticket:
    """Write the change and, beside it, the answer its Idempotency-Key will give again."""
    if key is not None:
        answer = answer_to(change.after, at=change.now)
        change.batch.add(IDEM, key.principal, key.key, key.request_hash, answer, status, change.now)
    return await change.write()


async def done_before(key: Key | None, cause: str, *, ticket: UUID | None = None) -> Ticket:
    """What a cause that acted before left behind: this ticket, or the one it made.

    Raises Repeated for a key that was answered.
    """
    await refuse_repetition(key)
    known = "$1" if ticket else "(SELECT ticket FROM journal WHERE cause = $1 AND seq = 1)"
    row = await fetchrow(f"{SELECT} {FROM} WHERE t.id = {known}", ticket or cause)
    if row is None:
        raise NotFound()
    found = read_ticket(row)
    await know_rules(found)
    return found


async def ring_for(change: Change) -> None:
    """Wake whoever has something to do now; a hint only, the sweep finds what it misses."""
    rows = change.batch.rows
    if "outbox" in rows:
        await bell.ring("send_letters")
    if change.batch.events:
        await bell.ring("send_webhooks")
