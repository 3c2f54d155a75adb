"""Files that come with a form, standard answers put into one, and messages split off, all without script."""

import re
from html import unescape

import pytest

from service.database import fetch, fetchrow, fetchval
from service.files import SHELF
from service.house import HOUSE
from service.ticket import Ticket
from tests.admin.conftest import Browser, hidden_fields, words
from tests.admin.test_desk import PNG, a_ticket, in_work, page_of

BMP = b"BM" + bytes(8) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little") + bytes(40)


async def sends(browser: Browser, ticket: Ticket, trigger: str, *files: tuple[str, bytes], **typed: str):  # type: ignore[no-untyped-def]
    """Fill in the form of a move and choose files for it."""
    path = f"{page_of(ticket)}/moves/{trigger}"
    form = hidden_fields((await browser.get(page_of(ticket))).text, path) | typed
    chosen = [("attachments", (name, data, "application/octet-stream")) for name, data in files]
    return await browser.client.post(path, data=form, files=chosen, headers={"Accept": "text/html"})


def kept_tokens(html: str) -> list[str]:
    return [unescape(token) for token in re.findall(r'name="kept" value="([^"]+)"', html)]


async def test_attached_files_are_judged_by_content_kept_and_shown(operator: Browser) -> None:
    ticket = await in_work()
    done = await sends(operator, ticket, "attach", ("снимок.txt", PNG), ("two.png", PNG + b"2"))
    assert done.status_code == 303
    rows = await fetch("SELECT filename, content_type, sha256, refused FROM attachment ORDER BY filename")
    assert [(row["filename"], row["content_type"], row["refused"]) for row in rows] == [
        ("two.png", "image/png", ""), ("снимок.txt", "image/png", ""),
    ]  # fmt: skip
    assert all(SHELF.place(row["sha256"]).exists() for row in rows)
    assert "снимок.txt" in words(await operator.get(page_of(ticket)))


async def test_refused_files_are_named_beside_the_field_and_the_others_wait_in_the_form(operator: Browser) -> None:
    ticket = await in_work()
    answer = await sends(
        operator, ticket, "answer", ("screen.png", PNG), ("scan.png", BMP), ("run.exe", b"MZ" + bytes(60)),
        text="See the picture.", delivery_method="email", minutes="30",
    )  # fmt: skip
    assert answer.status_code == 422
    assert "scan.png (BMP is taken only inside ZIP or RAR)" in words(answer)
    assert "run.exe (Files of this kind are not taken)" in words(answer)
    assert await fetchval("SELECT count(*) FROM attachment") == 0
    assert "See the picture." in answer.text
    again = hidden_fields(answer.text, f"{page_of(ticket)}/moves/answer")
    typed = {"text": "See the picture.", "delivery_method": "email", "minutes": "30", "kept": kept_tokens(answer.text)}
    done = await operator.client.post(f"{page_of(ticket)}/moves/answer", data=again | typed)
    assert done.status_code == 303
    row = await fetch("SELECT a.filename, m.text FROM attachment a JOIN message m ON m.id = a.message")
    assert [tuple(one) for one in row] == [("screen.png", "See the picture.")]


async def test_nobody_attaches_a_file_he_was_not_shown(operator: Browser) -> None:
    ticket = await in_work()
    answer = await sends(operator, ticket, "attach", ("a.png", PNG), ("b.bmp", BMP))
    told, _dot, seal = kept_tokens(answer.text)[0].partition(".")
    form = hidden_fields(answer.text, f"{page_of(ticket)}/moves/attach")
    forged = await operator.client.post(f"{page_of(ticket)}/moves/attach", data=form | {"kept": f"{told}x.{seal}"})
    assert forged.status_code == 422
    assert await fetchval("SELECT count(*) FROM attachment") == 0


async def test_attaching_nothing_is_refused_beside_the_field(operator: Browser) -> None:
    ticket = await in_work()
    answer = await sends(operator, ticket, "attach")
    assert answer.status_code == 422
    assert 'id="e-attach-attachments"' in answer.text


async def test_a_letter_shown_first_keeps_the_files(operator: Browser) -> None:
    ticket = await in_work()
    preview = await sends(
        operator, ticket, "answer", ("screen.png", PNG), text="Look.", delivery_method="email", minutes="30",
        preview="1",
    )  # fmt: skip
    assert preview.status_code == 200
    assert len(kept_tokens(preview.text)) == 1
    shown = re.search(r'aria-label="Files that go with the letter">(.*?)</ul>', preview.text, re.DOTALL)
    assert shown is not None
    assert "screen.png" in shown[1]
    assert await fetchval("SELECT count(*) FROM attachment") == 0


async def test_too_heavy_a_letter_is_refused_beside_the_files_and_keeps_them(
    operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HOUSE, "letter_bytes", 2_000_000)
    ticket = await in_work()
    given = {"text": "Look.", "delivery_method": "email", "minutes": "30"}
    for preview in ({}, {"preview": "1"}):
        answer = await sends(operator, ticket, "answer", ("big.png", PNG + bytes(2_000_000)), **given, **preview)
        assert answer.status_code == 422
        error = re.search(r'id="e-answer-attachments">(.*?)</p>', answer.text, re.DOTALL)
        assert error is not None
        assert "the letter would have 3 MB, and no more than 2 MB go out" in error[1]
        assert len(kept_tokens(answer.text)) == 1
        assert "Look." in answer.text


async def test_files_of_the_ticket_go_along_when_they_are_ticked(operator: Browser) -> None:
    ticket = await in_work()
    await sends(operator, ticket, "attach", ("plan.png", PNG))
    page = await operator.get(page_of(ticket))
    (id,) = set(re.findall(r'name="along" value="([^"]+)"', page.text))
    form = re.search(r'id="move-comment".*?</details>', page.text, re.DOTALL)
    assert form is not None
    assert 'name="along"' not in form[0]  # a note among colleagues is no letter
    given = {"text": "The plan.", "delivery_method": "email", "minutes": "30", "along": id}
    preview = await sends(operator, ticket, "answer", **given, preview="1")
    assert f'value="{id}" checked' in preview.text
    done = await sends(operator, ticket, "answer", **given)
    assert done.status_code == 303
    row = await fetchrow("SELECT a.filename, m.text FROM attachment a JOIN message m ON m.id = a.message")
    assert tuple(row) == ("plan.png", "The plan.")
    assert "plan.png" in await fetchval("SELECT files::text FROM outbox WHERE type = 'answer'")


async def test_more_files_than_one_form_takes_are_named(operator: Browser) -> None:
    ticket = await in_work()
    answer = await sends(operator, ticket, "attach", *((f"{n}.png", PNG + bytes(n)) for n in range(21)))
    assert answer.status_code == 422
    assert "20.png (Too many files at once)" in words(answer)
    assert len(kept_tokens(answer.text)) == 20


async def test_a_standard_answer_is_put_below_what_was_typed_without_script(operator: Browser) -> None:
    ticket = await in_work()
    page = await operator.get(page_of(ticket))
    assert {"How to collect logs", "Install the update"} <= set(re.findall(r'data-text="[^"]+">([^<]+)<', page.text))
    answer = await sends(operator, ticket, "answer", text="Dear Ivan,", canned="logs", insert="1")
    assert answer.status_code == 200
    text = unescape(re.search(r'id="f-answer-text"[^>]*>\s*([^<]*)</textarea>', answer.text)[1])  # type: ignore[index]
    assert text.startswith("Dear Ivan,\n\nPlease collect the logs")
    assert "https://docs.example.org/logs" in text
    assert await fetchval("SELECT count(*) FROM message WHERE direction = 'out'") == 0


async def test_links_in_what_was_said_can_be_followed(operator: Browser) -> None:
    ticket = await in_work()
    await sends(
        operator, ticket, "answer", text="See https://docs.example.org/faq", delivery_method="email", minutes="30"
    )
    assert 'href="https://docs.example.org/faq"' in (await operator.get(page_of(ticket))).text


async def test_a_message_becomes_a_linked_ticket_of_its_own(operator: Browser) -> None:
    ticket = await a_ticket("It does not start", text="The printer is silent.\nAnd another thing.")
    page = await operator.get(page_of(ticket))
    form = hidden_fields(page.text, f"{page_of(ticket)}/moves/split")
    subject = re.search(r'value="([^"]+)" id="f-split-[^"]+-subject"', page.text)
    assert subject is not None
    assert subject[1] == "The printer is silent."
    empty = await operator.client.post(
        f"{page_of(ticket)}/moves/split", data=form | {"subject": ""}, headers={"Accept": "text/html"}
    )
    assert empty.status_code == 422
    assert re.search(r'<details class="split" open>', empty.text)
    done = await operator.client.post(f"{page_of(ticket)}/moves/split", data=form | {"subject": "Silent printer"})
    assert done.status_code == 303
    row = await fetch("SELECT id FROM ticket WHERE subject = 'Silent printer'")
    assert len(row) == 1
    assert "Silent printer" in words(await operator.get(page_of(ticket)))
    assert "It does not start" in words(await operator.get(f"/desk/tickets/{row[0]['id']}"))
