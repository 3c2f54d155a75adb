"""The dossier of a ticket for a dispute: all that was said and done, the rules that applied, and the proof of it.

Its JSON is one file that can be checked without us: the journal's entries are the very bytes that were hashed, each
text is bound to its entry by its hash, and the whole is sealed. `docs/dossier.md` says how; `service.dossier_check`
does it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from service import config_journal, seals
from service.actors import Actor
from service.database import DB, execute, fetch, fetchrow
from service.house import HOUSE, without_links
from service.journal import COLUMNS, Entry, read_entry
from service.passport_view import passport_view
from service.regulation_text import chapters
from service.regulations import RULEBOOKS
from service.schemas import PassportView
from service.ticket import FROM, SELECT, Ticket, TicketView, read_ticket, view
from service.tickets import know_rules
from service.verify import differences
from service.words import LANGUAGES, Language
from workflow.errors import NotFound
from workflow.regulation import TO_COLLEAGUES

FORMAT = "reglament-dossier/1"
# `whole` for the house; `customer` withholds what colleagues told one another, and nothing of the journal.
Edition = Literal["whole", "customer"]
INTERNAL = "internal"


class Centre(msgspec.Struct, frozen=True):
    """Who made the dossier."""

    address: str
    mail: str


class LinkedEntry(msgspec.Struct, frozen=True):
    """One entry of the journal. `hash` is SHA-256 over the bytes of the hash before it (none before the first one) and
    the UTF-8 bytes of `body`. `name` stands beside the chain: a customer's can be erased."""

    seq: int
    name: str
    body: str
    hash: str


class DossierMail(msgspec.Struct, frozen=True):
    """The mail a message came in, and the SHA-256 of its raw bytes as they arrived."""

    message_id: str
    received_at: datetime
    sha256: str


class DossierMessage(msgspec.Struct, frozen=True):
    """What was said. The journal entry `seq` holds the SHA-256 of `text`; it is empty when it was erased on request or
    is withheld from this edition."""

    id: str
    seq: int
    at: datetime
    direction: str
    author: str
    text: str
    method: str
    minutes: int
    mail: DossierMail | None
    erased: bool = False
    withheld: bool = False


class DossierFile(msgspec.Struct, frozen=True):
    """A file by its name, size and SHA-256; `refused` says why it was not kept."""

    id: str
    message: str | None
    at: datetime
    filename: str
    content_type: str
    size: int
    sha256: str
    refused: str
    withheld: bool = False


class DossierLetter(msgspec.Struct, frozen=True):
    """A letter of ours and what became of it. The secrets of its links are cut out: a dossier is handed on."""

    kind: str
    seq: int
    at: datetime
    recipient: str
    subject: str
    text: str
    message_id: str
    status: str
    delivered_at: datetime | None
    bounced: str


class DossierLink(msgspec.Struct, frozen=True):
    """Another ticket; `outward` when ours points at it."""

    id: str
    number: str | None
    relation: str
    outward: bool
    at: datetime


class RuleTable(msgspec.Struct, frozen=True):
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class RuleClause(msgspec.Struct, frozen=True):
    """A clause of the regulation as people read it."""

    number: str
    sentences: tuple[str, ...]
    items: tuple[str, ...]
    table: RuleTable | None


class RuleVersion(msgspec.Struct, frozen=True):
    """A version of the regulation that this ticket obeyed: its text in both languages, and the whole document."""

    version: int
    effective_at: datetime
    published_at: datetime
    author: str
    note: str
    text: dict[Language, tuple[RuleClause, ...]]
    document: dict[str, Any]


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one ticket, as of one instant. `people` are the names of the colleagues whom the journal names
    by their ids. `replay` holds what a replay of the journal found to differ from
    the ticket: nothing, unless somebody changed the database behind it."""

    format: str = FORMAT
    edition: Edition
    made_at: datetime
    made_by: str
    centre: Centre
    ticket: TicketView
    journal: tuple[LinkedEntry, ...]
    head: str
    people: dict[str, str]
    messages: tuple[DossierMessage, ...]
    files: tuple[DossierFile, ...]
    letters: tuple[DossierLetter, ...]
    links: tuple[DossierLink, ...]
    deadlines: tuple[PassportView, ...]
    regulations: tuple[RuleVersion, ...]
    replay: tuple[str, ...]


class Seal(msgspec.Struct, frozen=True):
    """Over the bytes of the dossier as they stand in the file, with the format and a line feed before them."""

    algorithm: str
    key: str
    signature: str


class SealedDossier(msgspec.Struct, frozen=True):
    """The file: the seal, and the dossier it is over."""

    seal: Seal
    dossier: Dossier


async def make(ticket: UUID, *, edition: Edition, by: Actor, at: datetime) -> Dossier:
    """The dossier of a ticket as of one instant. Raises NotFound."""
    async with DB.transaction(allow_nested=False):
        await execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = await fetchrow(f"{SELECT} {FROM} WHERE t.id = $1", ticket)
        if row is None:
            raise NotFound()
        found = read_ticket(row)
        await know_rules(found)
        entries = [
            read_entry(one)
            for one in await fetch(f"SELECT {COLUMNS} FROM journal WHERE ticket = $1 ORDER BY seq", ticket)
        ]
        whole = edition == "whole"
        people, replay = await _people(entries), await _replay(found, entries)
        messages, files = await _messages(ticket, whole=whole), await _files(ticket, whole=whole)
        letters, links = await _letters(found, whole=whole), await _links(ticket)
        regulations = await _regulations(found)
    return Dossier(
        edition=edition,
        made_at=at,
        made_by=by.name,
        centre=Centre(HOUSE.public_url, HOUSE.mail_from),
        ticket=view(found, at=at),
        journal=tuple(_linked(entry) for entry in entries),
        head=found.head.hex(),
        people=people,
        messages=messages,
        files=files,
        letters=letters,
        links=links,
        deadlines=_deadlines(found),
        regulations=regulations,
        replay=replay,
    )


def written(dossier: Dossier) -> bytes:
    """The file: one JSON object whose dossier stands on a line of its own, sealed byte for byte."""
    body = msgspec.json.encode(dossier)
    seal = Seal(seals.ALGORITHM, seals.public_key(), seals.sealed(FORMAT, body))
    return b'{"seal":' + msgspec.json.encode(seal) + b',\n"dossier":' + body + b"}\n"


async def note_made(dossier: Dossier, file: bytes, *, form: str, by: Actor, at: datetime) -> None:
    """Who took what out of the house, and the hash by which the file is known again."""
    told = {
        "form": form, "edition": dossier.edition, "seq": dossier.ticket.seq,
        "sha256": hashlib.sha256(file).hexdigest(),
    }  # fmt: skip
    await config_journal.note(
        by=by, at=at, act="dossier.make", subject=f"ticket {dossier.ticket.number or dossier.ticket.id}", data=told
    )


def filename(dossier: Dossier, *, suffix: str) -> str:
    """Under which name the file is saved: plain signs only."""
    return f"dossier-{dossier.ticket.number or dossier.ticket.id}.{suffix}"


def saved_as(dossier: Dossier, *, suffix: str) -> dict[str, str]:
    """The headers of a download that nobody keeps on the way."""
    name = filename(dossier, suffix=suffix)
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}


# --- the parts --------------------------------------------------------------------------------------------------------


def _linked(entry: Entry) -> LinkedEntry:
    return LinkedEntry(entry.seq, entry.actor_name, entry.body.decode(), entry.hash.hex())


async def _people(entries: Sequence[Entry]) -> dict[str, str]:
    ids = sorted({str(entry.data["assignee"]) for entry in entries if entry.data.get("assignee")})
    rows = await fetch("SELECT id::text AS id, name FROM app_user WHERE id::text = ANY($1) ORDER BY id", ids)
    return {row["id"]: row["name"] for row in rows}


async def _messages(ticket: UUID, *, whole: bool) -> tuple[DossierMessage, ...]:
    rows = await fetch(
        "SELECT m.id, m.seq, m.at, m.direction, m.author, m.text, m.method, m.minutes, i.message_id, "
        "i.received_at, i.sha256 FROM message m LEFT JOIN mail i ON i.id = m.mail WHERE m.ticket = $1 "
        "ORDER BY m.seq, m.id",
        ticket,
    )
    return tuple(_message(row, withheld=not whole and row["direction"] == INTERNAL) for row in rows)


def _message(row: Any, *, withheld: bool) -> DossierMessage:
    mail = None if row["sha256"] is None else DossierMail(row["message_id"], row["received_at"], row["sha256"])
    return DossierMessage(
        id=str(row["id"]), seq=row["seq"], at=row["at"], direction=row["direction"], author=row["author"],
        text="" if withheld else row["text"], method=row["method"], minutes=row["minutes"], mail=mail,
        erased=not row["text"], withheld=withheld,
    )  # fmt: skip


async def _files(ticket: UUID, *, whole: bool) -> tuple[DossierFile, ...]:
    rows = await fetch(
        "SELECT a.id, a.message, a.at, a.filename, a.content_type, a.size, a.sha256, a.refused, "
        "coalesce(m.direction, '') AS direction FROM attachment a LEFT JOIN message m ON m.id = a.message "
        "WHERE a.ticket = $1 ORDER BY a.at, a.id",
        ticket,
    )
    return tuple(_file(row, withheld=not whole and row["direction"] == INTERNAL) for row in rows)


def _file(row: Any, *, withheld: bool) -> DossierFile:
    return DossierFile(
        id=str(row["id"]), message=str(row["message"]) if row["message"] else None, at=row["at"],
        filename="" if withheld else row["filename"], content_type=row["content_type"], size=row["size"],
        sha256=row["sha256"], refused=row["refused"], withheld=withheld,
    )  # fmt: skip


async def _letters(ticket: Ticket, *, whole: bool) -> tuple[DossierLetter, ...]:
    """The letters of the ticket; those to colleagues are none of the customer's."""
    rows = await fetch(
        "SELECT l.kind, l.seq, l.at, l.recipient, l.subject, l.text, l.letter_id AS message_id, l.bounced, "
        "coalesce(o.status, 'delivered') AS status, o.delivered_at FROM letter l LEFT JOIN outbox o "
        "ON o.ticket = l.ticket AND o.channel = 'letter' AND o.event_id = l.id::text "
        "WHERE l.ticket = $1 AND ($2 OR l.kind <> ALL($3)) ORDER BY l.at, l.id",
        ticket.id, whole, sorted(TO_COLLEAGUES),
    )  # fmt: skip
    return tuple(DossierLetter(**{**row, "text": without_links(row["text"])}) for row in rows)


async def _links(ticket: UUID) -> tuple[DossierLink, ...]:
    rows = await fetch(
        "SELECT t.id::text AS id, t.number, l.relation, l.ticket = $1 AS outward, l.at FROM ticket_link l "
        "JOIN ticket t ON t.id = CASE WHEN l.ticket = $1 THEN l.other ELSE l.ticket END "
        "WHERE l.ticket = $1 OR l.other = $1 ORDER BY l.id",
        ticket,
    )
    return tuple(DossierLink(**row) for row in rows)


def _deadlines(ticket: Ticket) -> tuple[PassportView, ...]:
    """The passport of every clock that ran, in the order in which they began."""
    clocks = ticket.clocks
    periods = (clocks.registration, *clocks.finished, clocks.resolution, clocks.auto_close)
    return tuple(passport for period in periods if (passport := passport_view(period)))


async def _regulations(ticket: Ticket) -> tuple[RuleVersion, ...]:
    clocks = ticket.clocks
    periods = (clocks.registration, *clocks.finished, clocks.resolution, clocks.auto_close)
    obeyed = sorted({ticket.regulation_version, *(period.version for period in periods if period)})
    rows = await fetch(
        "SELECT version, effective_at, published_at, author, note FROM regulation WHERE version = ANY($1) "
        "ORDER BY version",
        obeyed,
    )
    return tuple(_rules(row) for row in rows)


def _rules(row: Any) -> RuleVersion:
    regulation = RULEBOOKS[row["version"]].regulation
    text = {
        language: tuple(
            msgspec.convert(clause, RuleClause, from_attributes=True)
            for chapter in chapters(regulation, language)
            for clause in chapter.clauses
        )
        for language in LANGUAGES
    }
    return RuleVersion(**row, text=text, document=msgspec.to_builtins(regulation))


async def _replay(ticket: Ticket, entries: Sequence[Entry]) -> tuple[str, ...]:
    armed = await fetch("SELECT kind, due_at FROM timer WHERE subject = $1 AND status = 'armed' ORDER BY id", ticket.id)
    return tuple(str(one) for one in differences(ticket, entries, armed))
