"""Mails a second that one worker takes in, reads, and turns into tickets: `python tests/bench/bench_ingest.py`."""

import asyncio
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs from a checkout that is not installed

import structlog

from notifications.mail.ingest import ingest
from notifications.mail.reader import READER
from notifications.mail.reading import read_stored
from service import bell
from service.database import DB, close_pool, fetchval, migrate, start_pool
from service.embedded import EmbeddedPostgres
from service.files import SHELF
from service.regulations import publish_default

AT = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)
MAILS = 500
SENDERS = 50


def a_mail(n: int) -> bytes:
    """A request of a page of text; every third brings a screenshot of 40 KB."""
    mail = EmailMessage()
    mail["From"] = f"Иван Петров <ivan{n % SENDERS}@customer{n % SENDERS}.example.com>"
    mail["To"] = "support@reglament.example.org"
    mail["Subject"] = f"Не открывается отчёт {n}"
    mail["Message-ID"] = f"<{n}@customer.example.com>"
    mail.set_content("Здравствуйте! Отчёт не открывается, на экране ошибка.\n" * 30)
    if n % 3 == 0:
        picture = b"\x89PNG\r\n\x1a\n" + n.to_bytes(4, "big") * 10_000
        mail.add_attachment(picture, maintype="image", subtype="png", filename="снимок.png")
    return mail.as_bytes()


async def measure(count: int) -> None:
    mails = [a_mail(n) for n in range(count)]
    begun = perf_counter()
    for raw in mails:
        await ingest(raw, envelope_from="", recipients=(), source="pipe", at=AT)
    stored = perf_counter() - begun
    begun = perf_counter()
    read = await read_stored(AT, limit=count)
    sorted_in = perf_counter() - begun
    tickets = await fetchval("SELECT count(*) FROM ticket")
    print(f"stored for good, one after the other: {count / stored:>6,.0f} mails a second")
    print(f"read and made tickets, one worker:    {read / sorted_in:>6,.0f} mails a second")
    print(f"the whole way in:                     {count / (stored + sorted_in):>6,.0f} mails a second")
    print(f"{tickets} tickets of {count} mails")


async def main(count: int) -> None:
    home = Path(tempfile.mkdtemp(prefix="rgl-bench-", dir="/tmp"))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    bell.hang(bell.SilentBell())
    SHELF.furnish(home)
    server = EmbeddedPostgres(home)
    try:
        with server:
            DB.configure(server.dsn, pool_size=4)
            await migrate()
            await start_pool()
            await publish_default(at=AT)
            await measure(count)
            READER.close()
            await close_pool()
    finally:
        shutil.rmtree(server.folder, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else MAILS))
