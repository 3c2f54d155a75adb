"""The dossier of a ticket: whole, sealed, checked by the file alone; what was erased or withheld breaks nothing."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from service import dossier, seals
from service.actors import Actor
from service.change import File
from service.database import execute, fetchval
from service.directory import add_contact
from service.dossier import Dossier
from service.dossier_check import NotADossier, check
from service.erasure import erase
from service.house import HOUSE
from service.tickets import carry_out
from tests.desk import HOUR, MONDAY, OPERATOR, a_ticket, completed, does
from workflow.definition import Role
from workflow.errors import NotFound

GLEB = Actor(kind="staff", id="7", name="Gleb", role=Role.SUPERVISOR)
DOCS = Path(__file__).parents[2] / "docs" / "dossier.md"


async def a_talk() -> Any:
    """A ticket with everything a dispute is about: texts in and out, a note among colleagues, a file, a pause."""
    ticket = await does(await a_ticket(), "start", MONDAY)
    await does(ticket, "comment", MONDAY + HOUR, text="He is rude again.")
    await does(ticket, "request_info", MONDAY + HOUR, text="Which gate is it?", minutes=5)
    files = [File("gate.png", "image/png", 3, "aa" * 32)]
    return await carry_out(
        ticket.id, "resume", by=OPERATOR, at=MONDAY + 2 * HOUR, cause="request:resume", given={"text": "Ворота № 2."},
        files=files,
    )  # fmt: skip


async def a_dossier(ticket: Any, edition: dossier.Edition = "whole") -> tuple[Dossier, bytes]:
    made = await dossier.make(ticket.id, edition=edition, by=GLEB, at=MONDAY + 3 * HOUR)
    return made, dossier.written(made)


def resealed(file: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The dossier changed by somebody who holds the key: only what is inside can tell."""
    told = json.loads(file)["dossier"]
    change(told)
    body = json.dumps(told).encode()
    seal = {
        "algorithm": "Ed25519", "key": seals.public_key(), "signature": seals.sealed(dossier.FORMAT, body),
    }  # fmt: skip
    return b'{"seal":' + json.dumps(seal).encode() + b',\n"dossier":' + body + b"}\n"


async def test_it_holds_everything_and_proves_itself(regulation: None) -> None:
    ticket = await a_talk()
    made, file = await a_dossier(ticket)
    assert [json.loads(entry.body)["trigger"] for entry in made.journal] == [
        "receive", "register", "start", "comment", "request_info", "resume",
    ]  # fmt: skip
    assert "Ворота № 2." in [message.text for message in made.messages]
    assert made.files[0].sha256 == "aa" * 32
    assert {letter.kind for letter in made.letters} >= {"accepted", "registered", "question"}
    assert [deadline.clock for deadline in made.deadlines] == ["registration", "resolution"]
    assert [rules.version for rules in made.regulations] == [1]
    assert any("4 рабочих часа" in cell for clause in made.regulations[0].text["ru"] if clause.table
               for row in clause.table.rows for cell in row)  # fmt: skip
    assert made.regulations[0].document["calendar"]["zone"] == "Europe/Moscow"
    assert check(file).faults == ()
    assert check(file, key=seals.public_key()).faults == ()


async def test_a_changed_byte_breaks_the_seal(regulation: None) -> None:
    _made, file = await a_dossier(await a_talk())
    assert check(file.replace(b"Which gate", b"Which date")).faults[0].startswith("the seal is broken")
    indented = json.dumps(json.loads(file), indent=1).encode()
    assert "the seal is broken" in check(indented).faults[0]


async def test_a_seal_of_another_key_is_told(regulation: None, monkeypatch: pytest.MonkeyPatch) -> None:
    _made, file = await a_dossier(await a_talk())
    ours = seals.public_key()
    monkeypatch.setattr(HOUSE, "seal_key", bytes(31) + b"x")
    forged = resealed(file, lambda told: None)
    assert check(forged).faults == ()  # it is whole, but whose is it?
    assert check(forged, key=ours).faults == (f"sealed with another key: {seals.public_key()}",)


def shortened(told: dict[str, Any]) -> None:
    told["journal"].pop()


def reworded(told: dict[str, Any]) -> None:
    told["messages"][0]["text"] = "Something friendlier."


def left_out(told: dict[str, Any]) -> None:
    told["messages"].pop()


def put_in(told: dict[str, Any]) -> None:
    told["messages"].append({**told["messages"][-1], "id": "00000000-0000-0000-0000-000000000000"})


def rewritten(told: dict[str, Any]) -> None:
    told["journal"][2]["body"] = told["journal"][2]["body"].replace("start", "reply")


def swapped(told: dict[str, Any]) -> None:
    told["journal"][2], told["journal"][3] = told["journal"][3], told["journal"][2]


def of_another(told: dict[str, Any]) -> None:
    told["ticket"]["id"] = "00000000-0000-0000-0000-000000000000"


def hidden(told: dict[str, Any]) -> None:
    told["messages"][0]["erased"] = True


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (shortened, "the chain does not end where the ticket says"),
        (reworded, "is not the text that was hashed"),
        (left_out, "is missing"),
        (put_in, "stands in no entry of the journal"),
        (rewritten, "the chain is broken"),
        (swapped, "stands where entry 3 belongs"),
        (of_another, "belongs to another ticket"),
        (hidden, "marked as left out and has a text"),
    ],
)
async def test_even_the_holder_of_the_key_cannot_change_it(
    regulation: None, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    _made, file = await a_dossier(await a_talk())
    faults = check(resealed(file, change)).faults
    assert not any("seal" in fault for fault in faults)
    assert any(said in fault for fault in faults), faults


async def test_the_edition_for_the_customer_withholds_and_still_holds(regulation: None) -> None:
    ticket = await a_talk()
    made, file = await a_dossier(ticket, "customer")
    whole, _file = await a_dossier(ticket)
    assert b"rude" not in file
    assert [message.withheld for message in made.messages].count(True) == 1
    assert made.journal == whole.journal
    assert check(file).faults == ()


async def test_the_links_in_its_letters_open_nothing(regulation: None) -> None:
    ticket = await completed()
    made, file = await a_dossier(ticket)
    letters = [letter.text for letter in made.letters]
    assert any("/confirm/…" in text for text in letters)
    assert not re.search(rb"/(status|confirm|dispute)/[\w-]{40}", file)


async def test_what_was_erased_leaves_the_chain_whole(regulation: None) -> None:
    contact = await add_contact(
        "Ivan", addresses=["ivan@example.com"], organisation="", position="", phone="", language="ru", by=GLEB,
        at=MONDAY,
    )  # fmt: skip
    ticket = await does(await completed(), "confirm", MONDAY + HOUR)
    before = (await a_dossier(ticket))[1]
    await erase(contact, by=GLEB, at=MONDAY + 2 * HOUR)
    made, file = await a_dossier(ticket)
    assert b"It does not start." not in file
    assert b"ivan@example.com" not in file
    assert all(message.erased for message in made.messages)
    assert check(file, earlier=before).faults == ()


async def test_a_journal_rewritten_behind_us_is_told_by_the_replay(regulation: None) -> None:
    ticket = await a_talk()
    await execute("ALTER TABLE ticket DISABLE TRIGGER USER")
    await execute("UPDATE ticket SET due_at = due_at + interval '1 day' WHERE id = $1", ticket.id)
    _made, file = await a_dossier(ticket)
    assert any(fault.startswith("replayed when it was made") for fault in check(file).faults)


async def test_an_earlier_dossier_pins_the_journal(regulation: None) -> None:
    ticket = await a_talk()
    early = (await a_dossier(ticket))[1]
    await does(ticket, "comment", MONDAY + 4 * HOUR, text="Later.")
    late = (await a_dossier(ticket))[1]
    assert check(late, earlier=early).faults == ()
    assert check(early, earlier=late).faults == ("the earlier dossier has entries that this one lacks",)
    other = (await a_dossier(await a_ticket()))[1]
    assert check(other, earlier=early).faults == ("the earlier dossier is of another ticket",)


@pytest.mark.parametrize(
    "file", [b"", b"{}", b"[]", b"\xff\xfe", b'{"seal":{},"dossier":{}}', b"%PDF-1.7 nothing of ours", b"[" * 100_000]
)
def test_another_file_is_a_sentence(file: bytes) -> None:
    with pytest.raises(NotADossier):
        check(file)


async def test_there_is_none_without_a_ticket(regulation: None) -> None:
    with pytest.raises(NotFound):
        await dossier.make(UUID(int=7), edition="whole", by=GLEB, at=MONDAY)


async def test_who_took_it_stands_in_the_configuration_journal(regulation: None) -> None:
    made, file = await a_dossier(await a_talk())
    await dossier.note_made(made, file, form="json", by=GLEB, at=MONDAY)
    subject = await fetchval("SELECT subject FROM config_journal WHERE act = 'dossier.make' AND actor_name = 'Gleb'")
    assert subject == f"ticket {made.ticket.number}"


# --- outside of the house ---------------------------------------------------------------------------------------------


def told(*command: str, home: Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("REGLAMENT_")}
    return subprocess.run(
        [sys.executable, *command], env=environ | {"REGLAMENT_HOME": str(home / "nothing")}, capture_output=True,
        text=True,
    )  # fmt: skip


async def test_the_command_checks_it_without_any_system(regulation: None, tmp_path: Path) -> None:
    _made, file = await a_dossier(await a_talk())
    (tmp_path / "good.json").write_bytes(file)
    (tmp_path / "bad.json").write_bytes(file.replace(b"Which gate", b"Which date"))
    verify = ("-m", "service.cli", "dossier", "verify")
    good = told(*verify, str(tmp_path / "good.json"), home=tmp_path)
    assert (good.returncode, good.stderr) == (0, "")
    assert "chain of 6 entries hold" in good.stdout
    bad = told(*verify, str(tmp_path / "bad.json"), home=tmp_path)
    assert bad.returncode == 1
    assert "the seal is broken" in bad.stdout
    assert not (tmp_path / "nothing").exists()


async def test_the_script_of_the_papers_checks_it_without_reglament(regulation: None, tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert found
    script = tmp_path / "check.py"
    script.write_text(found[1], "utf-8")
    _made, file = await a_dossier(await a_talk(), "customer")
    (tmp_path / "good.json").write_bytes(file)
    (tmp_path / "bad.json").write_bytes(resealed(file, reworded))
    (tmp_path / "forged.json").write_bytes(file.replace(b"Which gate", b"Which date"))
    good = told(str(script), str(tmp_path / "good.json"), home=tmp_path)
    assert good.returncode == 0, good.stderr
    assert told(str(script), str(tmp_path / "bad.json"), home=tmp_path).returncode == 1
    assert told(str(script), str(tmp_path / "forged.json"), home=tmp_path).returncode == 1
