"""The job that reads stored mail: each mail is one transaction that may run twice, and none blocks the next."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog

from notifications.mail.bounces import letter_meant, take_bounce, untold_bounce
from notifications.mail.classify import Classification, Kind, classify
from notifications.mail.ours import OURS, refuted
from notifications.mail.parsed import ParsedMail
from notifications.mail.reader import READER, ReaderDied
from notifications.mail.stored import SELECT as SELECT_MAIL
from notifications.mail.stored import (
    Outcome,
    StoredMail,
    identity_of,
    next_to_read,
    read_row,
    sender_of,
    settle,
)
from notifications.mail.taking import NotKept, go_on, judged, says_nothing, take_in, writer
from notifications.mail.threads import Thread, find_thread, thread_of_letter
from service import bell, tracing
from service.database import DB, connection, execute, fetch, fetchrow, passing
from service.people import Customer, customer_by_address
from service.regulations import in_force

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 3
# A reading process that ended, a full disk, a ticket that somebody held for too long.
PASSING = (ReaderDied, NotKept, asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)

# Settled without a ticket of their own: reports that a letter arrived or was opened.
NEWS = frozenset({"receipt", "delivered"})


async def read_stored(at: datetime, limit: int = 100) -> int:
    """Read up to `limit` stored mails, the oldest first; how many were read. Any number of workers may call it.

    While one mail is sorted, the process of the reader reads the next; both are held, so that no other worker reads
    them too. A mail whose reading raises is left `failed` with the reason. Raises what says that the database is away.
    """
    seen: list[UUID] = []
    following = _Reading(seen, limit, at=at)
    try:
        while await following.is_read():
            mail, following = following, _Reading(seen, limit, at=at)
            await mail.take_its_turn()
    finally:
        await following.give_up()
    return len(seen)


class _Reading:
    """One mail in a transaction of its own: held and read at once, sorted when its turn comes.

    Its turn asks for no second connection: the mail that waits behind it may hold the last one.
    """

    def __init__(self, seen: list[UUID], limit: int, *, at: datetime) -> None:
        self._read = asyncio.Event()
        self._turn = asyncio.Event()
        self._task = asyncio.create_task(self._carry_out(seen, limit, at=at))
        self._task.add_done_callback(lambda _task: self._read.set())

    async def is_read(self) -> bool:
        """Wait until the mail was read; False when there is none."""
        await self._read.wait()
        if self._task.done():
            self._task.result()  # raises what went wrong
            return False
        return True

    async def take_its_turn(self) -> None:
        """Sort it, and do what follows."""
        self._turn.set()
        await self._task

    async def give_up(self) -> None:
        """Let go of a mail that was read ahead in vain: it stays as it was."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)  # what it met is nobody's any more

    async def _carry_out(self, seen: list[UUID], limit: int, *, at: datetime) -> None:
        if len(seen) == limit:
            return
        async with DB.transaction(allow_nested=False):
            mail = await next_to_read(seen)
            if mail is None:
                return
            seen.append(mail.id)
            said = await _said_by(mail)
            self._read.set()
            await self._turn.wait()
            with tracing.trace("read mail", kind="CONSUMER", facts={"reglament.mail": str(mail.id)}):
                done = await _settled(mail, said, at=at)
        if done:
            await bell.ring("send_letters")
            await bell.ring("send_webhooks")


async def _said_by(mail: StoredMail) -> ParsedMail | Exception:
    """What the mail says, or what went wrong when it was read: that is told when the mail has its turn."""
    try:
        return await parsed_of(mail)
    except Exception as error:
        return error


async def _settled(mail: StoredMail, said: ParsedMail | Exception, *, at: datetime) -> bool:
    """Sort a mail, or set it aside when something goes wrong; whether it was sorted."""
    try:
        async with connection().transaction():
            if isinstance(said, Exception):
                raise said
            outcome = await sort(mail, said, at=at)
            await settle(mail, outcome, at=at, parsed=said)
    except Exception as error:
        if passing(error):
            raise
        log.exception("mail not read", mail=str(mail.id))
        await _set_aside(mail, error, at=at)
        return False
    log.info("mail read", mail=str(mail.id), status=outcome.status, kind=outcome.kind, ticket=str(outcome.ticket))
    return True


async def parsed_of(mail: StoredMail) -> ParsedMail:
    """What the mail says. Raises NotRead, ReaderDied."""
    return await READER.read(mail.original)


async def _set_aside(mail: StoredMail, error: Exception, *, at: datetime) -> None:
    """Keep the mail for a person, with what went wrong: its bytes are whole, it can be read again.

    What may pass by itself is tried again by a later run, a few times.
    """
    await execute("UPDATE mail SET attempts = attempts + 1 WHERE id = $1", mail.id)
    if isinstance(error, PASSING) and mail.attempts + 1 < MOST_ATTEMPTS:
        return
    reason = f"{type(error).__name__}: {error}".replace("\x00", "")
    await settle(mail, Outcome(status="failed", kind=mail.kind, reason=reason), at=at)


async def sort(mail: StoredMail, parsed: ParsedMail, *, at: datetime) -> Outcome:
    """Say what a mail is, and do what follows, in the transaction we are in.

    In this order: our own loop, a duplicate, a bounce, a machine, too big, marked as spam, forged, empty, a reply, a
    new request.
    """
    sorted_as = classify(parsed, envelope=mail.envelope, house=OURS.house())
    if sorted_as.kind is Kind.OWN_LOOP:
        return Outcome(status="dropped", kind="own_loop", reason=sorted_as.reason)
    twin, warning = await _twin(mail, parsed)
    if twin is not None:
        return Outcome(status="duplicate", kind="duplicate", reason=f"the same as mail {twin.id}", ticket=twin.ticket)
    if bounce := sorted_as.bounce or untold_bounce(sorted_as, mail, parsed):
        return await take_bounce(mail, parsed, sorted_as, bounce, at=at)
    sender = sender_of(mail, parsed)
    known = await customer_by_address(sender, at=at) if sender else None
    thread = await find_thread(parsed, sender=sender, customer=known)
    if sorted_as.kind is Kind.MACHINE:
        return _of_a_machine(sorted_as, thread or await thread_of_letter(letter_meant(mail, parsed)))
    if suspect := _suspect(sorted_as, parsed, sender, thread):
        return suspect
    if thread is not None:
        return await _reply(mail, parsed, thread, known, at=at)
    return await _new_request(mail, parsed, known, warning, at=at)


async def _twin(mail: StoredMail, parsed: ParsedMail) -> tuple[StoredMail | None, str]:
    """The mail that came before with the same Message-ID and content; else a warning if only the id is the same.

    Two copies read at the same moment wait for each other. What the way to us added does not make another mail of it.
    """
    id = identity_of(mail, parsed)
    await execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"mail:{id}")
    rows = await fetch(
        f"{SELECT_MAIL} WHERE message_id = $1 AND id <> $2 AND status NOT IN ('stored', 'failed', 'duplicate') "
        "ORDER BY received_at, id LIMIT 5",
        id,
        mail.id,
    )
    for row in rows:
        other = read_row(row)
        if other.sha256 == mail.sha256 or _content(await parsed_of(other)) == _content(parsed):
            return other, ""
    if rows:
        log.warning("another mail came under a Message-ID that is taken", mail=str(mail.id), message_id=id)
        return None, f"the Message-ID is that of mail {rows[0]['id']}, the content is another"
    return None, ""


def _content(parsed: ParsedMail) -> tuple[object, ...]:
    return (
        parsed.from_.address.lower() if parsed.from_ else "",
        parsed.subject,
        parsed.text,
        tuple((file.filename, file.data) for file in parsed.attachments),
    )


def _of_a_machine(sorted_as: Classification, thread: Thread | None) -> Outcome:
    """It is noted with the ticket it answers; else it waits for a person. It never gets a letter by itself."""
    reason = f"{sorted_as.machine}: {sorted_as.reason}"
    if thread is not None and thread.belongs:
        return Outcome(status="done", kind="machine", reason=reason, ticket=thread.ticket)
    if sorted_as.machine in NEWS:
        return Outcome(status="dropped", kind="machine", reason=reason)
    return Outcome(status="held", kind="machine", reason=reason)


def _suspect(sorted_as: Classification, parsed: ParsedMail, sender: str, thread: Thread | None) -> Outcome | None:
    """What waits for a person whoever sent it; the ticket it points at is shown beside it."""
    ticket = thread.ticket if thread else None
    if sorted_as.kind in (Kind.TOO_BIG, Kind.SPAM_MARK, Kind.EMPTY):
        return Outcome(status="held", kind=sorted_as.kind.value, reason=sorted_as.reason, ticket=ticket)
    if why := refuted(parsed):
        return Outcome(status="held", kind="forged", reason=why, ticket=ticket)
    if not sender:
        return Outcome(status="held", kind="no_sender", reason="nobody to answer", ticket=ticket)
    return None


async def _reply(
    mail: StoredMail, parsed: ParsedMail, thread: Thread, known: Customer | None, *, at: datetime
) -> Outcome:
    if await _is_a_colleague(sender_of(mail, parsed)):
        reason = "from one of us: nobody of the customer said this"
        return Outcome(status="held", kind="colleague", reason=reason, ticket=thread.ticket)
    if not thread.belongs:
        reason = f"points at a ticket by {thread.how}, but its sender has nothing to do with it"
        return Outcome(status="held", kind="stranger", reason=reason, ticket=thread.ticket)
    taken = await judged(parsed, await in_force(at=at))
    if says_nothing(parsed, taken):
        return Outcome(status="held", kind="empty", reason="nothing that can be used", ticket=thread.ticket)
    by = writer(mail, parsed, known)
    done = await go_on(mail, parsed, thread.ticket, taken, by=by, author=by.name, at=at)
    return done or Outcome(
        status="held", kind="follow_up", reason="the ticket takes no more: a linked ticket?", ticket=thread.ticket
    )


async def _is_a_colleague(address: str) -> bool:
    row = await fetchrow("SELECT id FROM app_user WHERE lower(email) = lower($1) AND active", address)
    return row is not None


async def _new_request(
    mail: StoredMail, parsed: ParsedMail, known: Customer | None, warning: str, *, at: datetime
) -> Outcome:
    taken = await judged(parsed, await in_force(at=at))
    if says_nothing(parsed, taken):
        return Outcome(status="held", kind="empty", reason="nothing that can be used")
    ticket, wait = await take_in(mail, parsed, known, taken, by=writer(mail, parsed, known), at=at)
    kind = "known_sender" if known else "unknown_sender"
    reason = "; ".join(word for word in (warning, wait) if word) or "a new request"
    return Outcome(status="done", kind=kind, reason=reason, ticket=ticket.id)
