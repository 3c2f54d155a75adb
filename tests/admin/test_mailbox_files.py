"""Letters in the local mailbox show the files that went with them."""

import asyncio
from pathlib import Path

from service import clock
from service.mailbox import keep
from service.mime import mail_bytes, with_attachments
from tests.admin.conftest import Browser, words
from tests.admin.test_desk import PNG


async def test_the_local_mailbox_shows_and_gives_the_files_of_a_letter(operator: Browser, home: Path) -> None:
    files = [("снимок.png", "image/png", PNG)]
    letter = mail_bytes([("Subject", "See"), ("To", "a@example.com")], text="See.", html="<p>See.</p>", boundary="=_b")
    raw = with_attachments(letter, files, boundary="=_files_b")
    name = await asyncio.to_thread(keep, home / "mailbox", raw, at=clock.now())
    page = await operator.get(f"/mailbox/{name}")
    assert "снимок.png" in words(page)
    file = await operator.client.get(f"/mailbox/{name}/files/0")
    assert (file.content, file.headers["content-type"]) == (PNG, "application/octet-stream")
    assert "sandbox" in file.headers["content-security-policy"]
    assert (await operator.client.get(f"/mailbox/{name}/files/1")).status_code == 404
    assert (await operator.client.get("/mailbox/nothing/files/0")).status_code == 404
