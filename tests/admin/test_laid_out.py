"""A mail as its sender laid it out: harmless, apart from our pages, and watched by nobody until asked."""

import base64
import re
from email.message import EmailMessage
from uuid import UUID, uuid4

from notifications.mail.ingest import ingest
from notifications.mail.reading import read_stored
from service import clock
from service.database import execute, fetchrow
from tests.admin.conftest import Browser, Signs
from tests.admin.test_desk import PNG
from workflow.definition import Role

HTML = (
    '<p onclick="x()">Hello <b>there</b><script>alert(1)</script></p><img src="cid:pic1">'
    '<img src="https://track.example.net/p.gif"><form action="/sign-out"><input></form>'
    '<a href="javascript:alert(2)">here</a><a href="https://example.org/">there</a>'
)


async def a_laid_out_request() -> tuple[UUID, UUID]:
    """A mail with HTML becomes a ticket; the ids of ticket and message."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ivan <ivan@example.com>", "support@reglament.example.org"
    mail["Subject"], mail["Message-ID"] = "Look", f"<{uuid4().hex}@example.com>"
    mail.set_content("Hello there")
    mail.add_alternative(HTML, subtype="html")
    mail.get_payload()[1].add_related(PNG, "image", "png", cid="<pic1>", filename="screen.png")  # type: ignore[index, union-attr]
    at = clock.now()
    await ingest(
        mail.as_bytes(), envelope_from="ivan@example.com", recipients=["support@reglament.example.org"],
        source="smtp 127.0.0.1", at=at,
    )  # fmt: skip
    await read_stored(at)
    row = await fetchrow("SELECT ticket, id FROM message")
    return row["ticket"], row["id"]


async def test_the_ticket_shows_it_in_a_frame_of_its_own(operator: Browser) -> None:
    ticket, message = await a_laid_out_request()
    page = await operator.get(f"/desk/tickets/{ticket}")
    frame = re.search(r"<iframe [^>]+>", page.text)
    assert frame is not None
    assert f'src="/desk/messages/{message}/html"' in frame[0]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame[0]
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "track.example.net" not in page.text
    assert "Hello <b>there" not in page.text


async def test_it_is_harmless_and_its_own_pictures_stand_in_place(operator: Browser) -> None:
    _ticket, message = await a_laid_out_request()
    page = await operator.get(f"/desk/messages/{message}/html")
    assert "Hello <b>there</b>" in page.text
    for evil in ("alert", "onclick", "javascript", "<form", "<input", "track.example.net"):
        assert evil not in page.text
    assert f"data:image/png;base64,{base64.b64encode(PNG).decode()}" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert "frame-ancestors 'self'" in policy
    assert "http" not in policy
    assert page.headers["x-frame-options"] == "SAMEORIGIN"
    assert page.headers["referrer-policy"] == "no-referrer"


async def test_remote_pictures_are_fetched_when_asked_for(operator: Browser) -> None:
    _ticket, message = await a_laid_out_request()
    page = await operator.get(f"/desk/messages/{message}/html?remote=1")
    assert 'src="https://track.example.net/p.gif"' in page.text
    assert "img-src data: http: https:" in page.headers["content-security-policy"]
    assert "alert" not in page.text


async def test_a_plain_or_erased_message_has_no_such_page(operator: Browser) -> None:
    ticket, message = await a_laid_out_request()
    await execute("UPDATE mail SET original = ''")
    assert "Hello" in (await operator.get(f"/desk/messages/{message}/html")).text  # what was kept beside the text
    await execute("UPDATE message SET html = '', text = ''")
    assert (await operator.get(f"/desk/messages/{message}/html")).status_code == 404
    assert "<iframe" not in (await operator.get(f"/desk/tickets/{ticket}")).text
    assert (await operator.get(f"/desk/messages/{uuid4()}/html")).status_code == 404


async def test_it_is_for_the_desk_only(signs_in: Signs, stranger: Browser) -> None:
    _ticket, message = await a_laid_out_request()
    path = f"/desk/messages/{message}/html"
    assert (await (await signs_in(Role.PROCESS_OWNER)).get(path)).status_code == 403
    assert (await stranger.get(path)).status_code == 303
