"""A support centre with one customer, and mails made on the spot."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from notifications.mail.ingest import ingest
from notifications.mail.reading import read_stored
from service import bell
from service.actors import Actor
from service.database import fetch, fetchrow, fetchval
from service.files import SHELF
from service.regulations import RULEBOOKS, publish_default
from service.tickets import carry_out
from workflow.definition import Role

START = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)  # Monday, 10:00 in Moscow
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@dataclass(frozen=True)
class Centre:
    """Who is there: an operator, a supervisor, and two people of one customer."""

    operator: Actor
    supervisor: Actor
    organisation: int
    contact: int
    owner: str = "ivan.petrov@customer.example.com"
    colleague: str = "olga@customer.example.com"
    stranger: str = "somebody@elsewhere.example.net"


@pytest.fixture
async def centre(database: None, tmp_path: Path) -> Any:
    RULEBOOKS.forget()
    folder = SHELF.folder
    SHELF.furnish(tmp_path)
    await publish_default(at=START)
    users = [
        await fetchval(
            "INSERT INTO app_user (email, name, role, language, password_hash, active, created_at) "
            "VALUES ($1, $2, $3, 'en', '', true, $4) RETURNING id",
            f"{role}@desk.example.org", f"The {role}", role, START,
        )
        for role in ("operator", "supervisor")
    ]  # fmt: skip
    organisation = await fetchval(
        "INSERT INTO organisation (name, domains, created_at) VALUES ('АО «Пример»', '[]', $1) RETURNING id", START
    )
    contacts = []
    for name, address in (("Пётр Щукин", Centre.owner), ("Ольга Зайцева", Centre.colleague)):
        contact = await fetchval(
            "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
            "VALUES ($1, $2, 'Инженер', '+7 000 000-00-00', 'ru', $3) RETURNING id",
            organisation, name, START,
        )  # fmt: skip
        await fetchval("INSERT INTO contact_address (address, contact) VALUES ($1, $2)", address, contact)
        contacts.append(contact)
    yield Centre(
        operator=_staff(users[0], Role.OPERATOR),
        supervisor=_staff(users[1], Role.SUPERVISOR),
        organisation=organisation,
        contact=contacts[0],
    )
    SHELF.folder = folder
    RULEBOOKS.forget()


def _staff(id: int, role: Role) -> Actor:
    return Actor(kind="staff", id=str(id), name=f"The {role}", role=role, user=str(id), language="en")


@pytest.fixture
def at() -> datetime:
    return START


@pytest.fixture
def a_mail() -> Any:
    return make_mail


@pytest.fixture
def arrives() -> Any:
    return take


def make_mail(
    sender: str = Centre.owner,
    subject: str = "Не открывается отчёт",
    text: str = "Здравствуйте! Отчёт не открывается.",
    *,
    message_id: str | None = "<one@customer.example.com>",
    files: tuple[tuple[str, bytes], ...] = (),
    **headers: str,
) -> bytes:
    """A raw mail; headers by their names with underscores."""
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = "support@reglament.example.org"
    mail["Subject"] = subject
    if message_id:
        mail["Message-ID"] = message_id
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    for name, data in files:
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes()


async def take(
    raw: bytes, *, envelope_from: str = Centre.owner, source: str = "smtp 127.0.0.1", at: datetime = START
) -> dict[str, Any]:
    """Let a mail in and read it; its row afterwards."""
    id = await ingest(
        raw, envelope_from=envelope_from, recipients=["support@reglament.example.org"], source=source, at=at
    )
    await read_stored(at)
    return await row_of(id)


async def row_of(id: UUID) -> dict[str, Any]:
    return dict(await fetchrow("SELECT * FROM mail WHERE id = $1", id))


@pytest.fixture
def arrives_at() -> Any:
    """Like `arrives`, for a mail to another address of ours or from another place."""

    async def at_address(
        raw: bytes, to: str = "", *, envelope_from: str = Centre.owner, source: str = "smtp 127.0.0.1"
    ) -> dict[str, Any]:
        id = await ingest(raw, envelope_from=envelope_from, recipients=[to] if to else [], source=source, at=START)
        await read_stored(START)
        return await row_of(id)

    return at_address


@pytest.fixture
def look() -> "Look":
    return Look()


class Look:
    """What the database says now."""

    async def tickets(self) -> list[Any]:
        return list(await fetch("SELECT * FROM ticket ORDER BY id"))

    async def ticket(self, id: UUID) -> Any:
        return await fetchrow("SELECT * FROM ticket WHERE id = $1", id)

    async def letters(self, kind: str | None = None) -> list[Any]:
        return list(
            await fetch(
                "SELECT l.*, o.status, o.body FROM letter l JOIN outbox o ON o.event_id = l.id::text "
                "WHERE $1::text IS NULL OR l.kind = $1 ORDER BY l.at, l.id",
                kind,
            )
        )

    async def triggers(self, ticket: UUID) -> list[str]:
        rows = await fetch("SELECT trigger FROM journal WHERE ticket = $1 ORDER BY seq", ticket)
        return [row["trigger"] for row in rows]


@pytest.fixture
def moves(centre: Centre) -> "Moves":
    return Moves(centre)


GIVEN: dict[str, dict[str, object]] = {
    "register": {"priority": "P3"},
    "start": {},
    "request_info": {"text": "Какая версия?", "minutes": 30},
    "complete": {"text": "Исправлено.", "delivery_method": "email", "minutes": 30, "outcome": "solved"},
    "confirm": {},
}


class Moves:
    """What the operator does, in as few words as possible."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.made = 0

    async def __call__(self, ticket: UUID, *triggers: str, at: datetime = START) -> Any:
        for trigger in triggers:
            self.made += 1
            done = await carry_out(
                ticket, trigger, by=self.centre.operator, at=at, cause=f"test:{self.made}", given=GIVEN[trigger]
            )
        return done


@pytest.fixture(autouse=True)
def _no_bell() -> None:
    bell.hang(bell.SilentBell())
