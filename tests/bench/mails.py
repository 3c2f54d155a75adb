"""Mail on its way in: stored and answered by the listener, read and made into tickets by one worker."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from time import perf_counter

from notifications.listener import listen
from notifications.mail.ingest import ingest
from notifications.mail.reader import READER
from notifications.mail.reading import read_stored
from service.clock import now
from service.database import fetchval
from tests.bench.figures import Figure
from tests.bench.load import percentile
from tests.bench.place import a_place

CHAPTER = "Mail in"
AT = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)
MAILS = 500
SENDERS = 50
TO = "support@reglament.example.org"


async def measure(*, scale: float = 1.0) -> AsyncIterator[Figure]:
    count = max(10, round(MAILS * scale))
    async with a_place() as _place:
        answers = await listened([a_mail(n) for n in range(count)])
        yield Figure(chapter=CHAPTER, name="answer of the listener, p50", value=percentile(answers, 0.5), unit="ms")
        p99 = percentile(answers, 0.99)
        yield Figure(
            chapter=CHAPTER, name="answer of the listener, p99", value=p99, unit="ms", bar="≤ 50 ms", kept=p99 <= 50
        )
        begun = perf_counter()
        read = await read_stored(AT, limit=count)
        rate = read / (perf_counter() - begun)
        READER.close()
        assert await fetchval("SELECT count(*) FROM ticket") == count
        yield Figure(
            chapter=CHAPTER, name="mails a second read and made into tickets by one worker", value=rate, unit="/s",
            bar="≥ 100/s", kept=rate >= 100,
        )  # fmt: skip


def a_mail(n: int) -> bytes:
    """A request of a page of text; every third brings a screenshot of 40 KB."""
    mail = EmailMessage()
    mail["From"] = f"Иван Петров <ivan{n % SENDERS}@customer{n % SENDERS}.example.com>"
    mail["To"] = TO
    mail["Subject"] = f"Не открывается отчёт {n}"
    mail["Message-ID"] = f"<{n}@customer.example.com>"
    mail.set_content("Здравствуйте! Отчёт не открывается, на экране ошибка.\n" * 30)
    if n % 3 == 0:
        picture = b"\x89PNG\r\n\x1a\n" + n.to_bytes(4, "big") * 10_000
        mail.add_attachment(picture, maintype="image", subtype="png", filename="снимок.png")
    return mail.as_bytes()


async def listened(mails: list[bytes]) -> list[float]:
    """Milliseconds from the last byte of each mail to the listener's word, over one connection."""

    async def take(raw: bytes, *, envelope_from: str, recipients: list[str], peer: str, received_at: datetime) -> None:
        await ingest(
            raw, envelope_from=envelope_from, recipients=tuple(recipients), source=f"smtp {peer}", at=received_at
        )

    listener = await listen(take, host="127.0.0.1", port=0, now=now)
    try:
        return await asyncio.to_thread(_sent, listener.port, mails)
    finally:
        await listener.aclose()


def _sent(port: int, mails: list[bytes]) -> list[float]:
    taken = []
    with smtplib.SMTP("127.0.0.1", port, local_hostname="bench") as smtp:
        for raw in mails:
            begun = perf_counter()
            smtp.sendmail("someone@example.com", [TO], raw)
            taken.append(1000 * (perf_counter() - begun))
    return taken
