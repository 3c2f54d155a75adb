"""Files travel with what a colleague writes, with nothing else, and never more than a mail server takes."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from service import files
from service.change import File
from service.database import fetch, fetchval
from service.enclosures import Enclosure, enclosed
from service.files import SHELF
from service.house import HOUSE, House
from service.regulations import in_force
from service.settings import Settings
from service.ticket import Ticket
from service.tickets import carry_out
from service.verify import verify
from tests.desk import ASKER, MONDAY, OPERATOR, a_ticket, completed, does, outbox_rows
from workflow.errors import NotFound, WrongFields

pytestmark = pytest.mark.usefixtures("regulation")
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(2_000)
WORK = {"delivery_method": "email", "minutes": 30}


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path) -> Iterator[Path]:
    before = SHELF.folder
    SHELF.furnish(tmp_path)
    yield SHELF.folder
    SHELF.folder = before


def a_file(name: str = "снимок.png", data: bytes = PICTURE) -> File:
    return File(name, "image/png", len(data), files.keep(data))


async def brings(ticket: Ticket, trigger: str, *brought: File, by: object = OPERATOR, **given: object) -> Ticket:
    return await carry_out(
        ticket.id, trigger, by=by, at=MONDAY, cause=f"request:{uuid4()}", given=given, files=brought  # type: ignore[arg-type]
    )  # fmt: skip


async def in_work() -> Ticket:
    return await does(await a_ticket(), "start", MONDAY)


async def letter(kind: str) -> EmailMessage:
    """The last letter of a kind as it leaves."""
    row = (await outbox_rows(f"type = '{kind}'"))[-1]
    carried = msgspec.json.decode(row["files"], type=list[Enclosure])
    raw = enclosed(bytes(row["body"]), carried, boundary="=_files_x") if carried else bytes(row["body"])
    return message_from_bytes(raw, policy=policy.default)  # type: ignore[return-value]


def stored(shelf: Path) -> int:
    """How many files lie on the shelf."""
    return sum(one.is_file() for one in shelf.rglob("*"))


@pytest.mark.parametrize(
    ("trigger", "kind", "given"),
    [
        ("answer", "answer", WORK),
        ("request_info", "question", {"minutes": 30}),
        ("complete", "completed", WORK | {"outcome": "solved"}),
        ("extend", "extension", {"promised_at": "2026-01-01T10:00:00+03:00"}),
    ],
)
async def test_what_a_colleague_writes_takes_its_files_along(trigger: str, kind: str, given: dict[str, object]) -> None:
    ticket = await in_work()
    if trigger == "extend":
        given = given | {"reason": (await in_force(at=MONDAY)).reasons[0]}
    await brings(ticket, trigger, a_file(), a_file("two.png", PICTURE + b"2"), text="See the pictures.", **given)
    sent = await letter(kind)
    assert [(one.get_filename(), one.get_payload(decode=True)) for one in sent.iter_attachments()] == [
        ("снимок.png", PICTURE), ("two.png", PICTURE + b"2"),
    ]  # fmt: skip
    assert "See the pictures." in sent.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert await verify() == []


async def test_the_content_lies_on_the_shelf_once_and_not_in_the_outbox(shelf: Path) -> None:
    ticket = await in_work()
    for _time in range(3):
        await brings(ticket, "answer", a_file(), text="Again.", **WORK)
    assert stored(shelf) == 1
    rows = await outbox_rows("type = 'answer'")
    assert len(rows) == 3
    assert all(b"iVBOR" not in bytes(row["body"]) for row in rows)  # how a PNG begins in base64


async def test_a_letter_with_files_is_the_same_bytes_each_time() -> None:
    await brings(await in_work(), "answer", a_file(), text="See.", **WORK)
    row = (await outbox_rows("type = 'answer'"))[0]
    carried = msgspec.json.decode(row["files"], type=list[Enclosure])
    first, second = (enclosed(bytes(row["body"]), carried, boundary="=_files_x") for _time in range(2))
    assert first == second


async def test_the_journal_vouches_for_the_files_and_names_none() -> None:
    ticket = await brings(await in_work(), "answer", a_file("Иванов.png"), text="See.", **WORK)
    body = bytes(await fetchval("SELECT body FROM journal WHERE ticket = $1 ORDER BY seq DESC LIMIT 1", ticket.id))
    assert msgspec.json.decode(body)["data"]["attachments"] == [
        {"sha256": a_file().sha256, "size": len(PICTURE), "refused": ""}
    ]
    assert "Иванов".encode() not in body


async def test_what_the_customer_sends_and_notes_among_colleagues_go_out_in_no_letter() -> None:
    ticket = await completed()
    await brings(ticket, "comment", a_file(), text="For us only.")
    await brings(ticket, "dispute", a_file(), by=ASKER, text="It still fails.")
    assert await fetchval("SELECT count(*) FROM outbox WHERE files <> '[]'") == 0
    assert await fetchval("SELECT count(*) FROM attachment") == 2
    assert list((await letter("dispute")).iter_attachments()) == []


async def test_a_refused_file_is_named_on_the_ticket_and_stays_out_of_the_letter() -> None:
    refused = File("run.exe", "application/x-dosexec", 10, refused="Files of this kind are not taken")
    await brings(await in_work(), "answer", refused, a_file(), text="See.", **WORK)
    assert [one.get_filename() for one in (await letter("answer")).iter_attachments()] == ["снимок.png"]


async def test_too_heavy_a_letter_is_refused_with_the_limit_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    house.furnish(Settings(letter_megabytes=1, secret="s" * 32))
    monkeypatch.setattr(HOUSE, "letter_bytes", house.letter_bytes)
    ticket, heavy = await in_work(), a_file("big.png", PICTURE * 500)
    with pytest.raises(WrongFields) as refusal:
        await brings(ticket, "answer", heavy, text="See.", **WORK)
    (error,) = refusal.value.errors
    assert (error.field, error.params) == ("attachments", {"weight": "2", "most": "1"})
    assert await fetchval("SELECT count(*) FROM attachment") == 0
    kept = await brings(ticket, "attach", heavy)  # without a letter it may lie on the ticket
    assert kept.seq == ticket.seq + 1


async def test_a_customer_without_an_address_gets_no_letter_and_the_files_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(HOUSE, "letter_bytes", 1)
    ticket = await does(await does(await a_ticket(email=""), "start", MONDAY), "comment", MONDAY, text="By phone.")
    await brings(ticket, "answer", a_file(), text="See.", **WORK)
    assert await fetchval("SELECT count(*) FROM attachment") == 1


async def test_files_of_the_ticket_go_along_by_their_ids_and_are_stored_once(shelf: Path) -> None:
    ticket = await brings(await in_work(), "attach", a_file("один.png"), a_file("two.png", PICTURE + b"2"))
    ids = [row["id"] for row in await fetch("SELECT id::text FROM attachment ORDER BY filename DESC")]
    await brings(ticket, "answer", text="See both.", attachments=ids, **WORK)
    assert [one.get_filename() for one in (await letter("answer")).iter_attachments()] == ["один.png", "two.png"]
    rows = await fetch("SELECT a.sha256 FROM attachment a JOIN message m ON m.id = a.message")
    assert len({row["sha256"] for row in rows}) == len(rows) == 2
    assert stored(shelf) == 2


@pytest.mark.parametrize(
    "named", ["no list", ["nothing"], [str(uuid4())], [7], [{"sha256": "0" * 64, "size": 1}], ["\x00"], ["x"] * 21]
)
async def test_files_that_do_not_lie_on_the_ticket_are_refused_by_name(named: object) -> None:
    with pytest.raises(WrongFields) as refusal:
        await brings(await in_work(), "answer", text="See.", attachments=named, **WORK)
    assert {error.field for error in refusal.value.errors} == {"attachments"}
    assert await fetchval("SELECT count(*) FROM message WHERE direction = 'out'") == 0


async def test_a_file_of_another_ticket_is_not_given_away() -> None:
    await brings(await in_work(), "attach", a_file())
    stranger = await fetchval("SELECT id::text FROM attachment")
    with pytest.raises(WrongFields):
        await brings(await in_work(), "answer", text="See.", attachments=[stranger], **WORK)


async def test_an_empty_list_is_no_file_at_all() -> None:
    ticket = await brings(await in_work(), "answer", text="Plain.", attachments=[], **WORK)
    body = bytes(await fetchval("SELECT body FROM journal WHERE ticket = $1 ORDER BY seq DESC LIMIT 1", ticket.id))
    assert "attachments" not in msgspec.json.decode(body)["data"]
    with pytest.raises(WrongFields):
        await brings(ticket, "attach", attachments=[])


async def test_a_file_that_the_shelf_lost_is_said_to_be_lost() -> None:
    with pytest.raises(NotFound):
        enclosed(b"", [Enclosure("a", "image/png", 1, "0" * 64)], boundary="b")
