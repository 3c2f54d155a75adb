"""Reports: figures that lead to their tickets, effort, and the journal of Appendix 1 as page and as files."""

import csv
import io
import re
import zipfile
from datetime import timedelta
from html import unescape
from xml.etree import ElementTree

import pytest

from service import clock
from service.database import execute, fetchval
from service.ticket import Ticket
from service.tickets import carry_out
from service.tokens import add_token, bearer
from tests.admin.conftest import Browser, Signs, words
from tests.admin.test_desk import a_request, a_ticket, does, in_work, makes
from workflow.definition import Role

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


async def disputed() -> Ticket:
    ticket = await in_work("disputed")
    answer = {"text": "Mended.", "delivery_method": "email", "minutes": 45, "outcome": "solved"}
    await does(ticket, "complete", **answer)
    return await does(ticket, "dispute", text="It still fails.")


def links(html: str, kind: str) -> list[str]:
    return [unescape(href) for href in re.findall(rf'href="(/reports/tickets\?kind={kind}[^"]*)"', html)]


async def test_without_requests_the_page_says_what_will_appear(operator: Browser) -> None:
    assert "Nothing to report in this time Figures will appear here" in words(await operator.get("/reports"))


async def test_a_level_without_requests_stays_chosen_and_only_this_time_is_spoken_of(operator: Browser) -> None:
    ticket = await does(await a_ticket("rated"), "withdraw", text="Works again.")
    await execute("INSERT INTO satisfaction (ticket, score, at) VALUES ($1, 'good', $2)", ticket.id, clock.now())
    page = await operator.get("/reports?months=1&level=extended")
    assert 'aria-current="true">Extended' in page.text
    assert "Nothing to report in this time" in words(page)
    assert "Nobody has answered in this time." in words(page)  # somebody of another level has


async def test_every_figure_leads_to_its_tickets(operator: Browser) -> None:
    await a_ticket("usual", priority="P3")
    late = await in_work("late")
    await execute(
        "UPDATE ticket SET due_at = $1, late_from = $1 WHERE id = $2", clock.now() - timedelta(hours=1), late.id
    )
    await disputed()
    page = await operator.get("/reports?months=3")
    assert page.status_code == 200
    kinds = ("registration", "resolution", "move", "effort", "state", "pause")
    by_figure = {href: words(await operator.get(href)) for kind in kinds for href in links(page.text, kind)}
    assert by_figure
    assert all("Nothing stands behind this figure now" not in text for text in by_figure.values())
    breached = [text for href, text in by_figure.items() if "kind=resolution" in href and "result=breached" in href]
    assert breached
    assert all("late" in text and "usual" not in text for text in breached)
    assert any("disputed" in text for href, text in by_figure.items() if "kind=move" in href)
    assert 'class="chart-late"' in page.text


async def test_resolution_is_told_by_service_level_too_and_narrowed_down_to_one(operator: Browser) -> None:
    for subject, level in (("usual", "standard"), ("dear", "extended")):
        ticket = await a_ticket(subject, priority="P2")
        await execute("UPDATE ticket SET service_level = $2 WHERE id = $1", ticket.id, level)
    page = await operator.get("/reports?months=1")
    (dear,) = [href for href in links(page.text, "resolution") if "level=extended" in href]
    behind = words(await operator.get(dear))
    assert "dear" in behind
    assert "usual" not in behind
    narrowed = await operator.get("/reports?months=1&level=extended")
    figures = links(narrowed.text, "resolution")
    assert figures
    assert all("level=extended" in href for href in figures)
    assert 'aria-current="true">Extended' in narrowed.text
    api = (await operator.client.get("/api/v1/reports/sla?months=1&level=extended")).json()["items"]
    assert [one["running"] for one in api if one["clock"] == "resolution"] == [1]
    one = (await operator.client.get(f"/api/v1/reports/sla/tickets?month={api[0]['month']}&result=running&priority=P2"
                                     "&level=extended")).json()["items"]  # fmt: skip
    assert [ticket["subject"] for ticket in one] == ["dear"]


async def test_every_table_is_narrowed_down_to_a_service_level(operator: Browser) -> None:
    for subject, level in (("usual", "standard"), ("dear", "extended")):
        ticket = await does(await in_work(subject), "request_info", text="Which version?", minutes=30)
        await does(ticket, "resume", text="Seven.")
        answer = {"text": "Mended.", "delivery_method": "email", "minutes": 45, "outcome": "solved"}
        await does(ticket, "complete", **answer)
        await does(ticket, "dispute", text="It still fails.")
        await does(ticket, "extend", reason="needs_development", text="Soon.", promised_at="2099-01-01T12:00:00+03:00")
        await does(ticket, "withdraw", text="Works again.")
        await execute("UPDATE ticket SET service_level = $2, subject = $3 WHERE id = $1", ticket.id, level, subject)
        await execute("INSERT INTO satisfaction (ticket, score, at) VALUES ($1, 'good', $2)", ticket.id, clock.now())
    page = await operator.get("/reports?months=1&level=extended")
    assert "Altogether 75 minutes were booked." in words(page)
    for kind in ("registration", "resolution", "state", "pause", "move", "effort", "score"):
        hrefs = links(page.text, kind)
        assert hrefs, kind
        for href in hrefs:
            behind = words(await operator.get(href))
            assert "dear" in behind, href
            assert "usual" not in behind, href
    for href in {unescape(found) for found in re.findall(r'href="(/reports/\w+/csv\?[^"]*)"', page.text)}:
        narrowed, whole = [(await operator.client.get(path)).text for path in (href, href.partition("&level")[0])]
        assert narrowed != whole, href
    for name in ("states?", "pauses?", "satisfaction?", "moves?trigger=dispute&", "effort?"):
        path = f"/api/v1/reports/{name}months=1"
        narrowed, whole = [(await operator.client.get(one)).text for one in (f"{path}&level=extended", path)]
        assert narrowed != whole, name


async def test_pauses_are_told_by_their_reason(operator: Browser) -> None:
    ticket = await does(await in_work("asked"), "request_info", text="Which version?", minutes=30)
    page = words(await operator.get("/reports?months=1"))
    assert "Pauses by reason None in this time." in page  # it has not ended yet
    await does(ticket, "resume", text="Seven.")
    page = await operator.get("/reports?months=1")
    assert "waiting for the customer 1 1" in words(page)
    (href,) = links(page.text, "pause")
    assert "asked" in words(await operator.get(href))


async def test_what_customers_thought_is_told_by_month_and_leads_to_their_tickets(operator: Browser) -> None:
    assert "Nobody has answered in this time." in words(await operator.get("/reports?months=1"))
    for subject, score in (("pleased", "good"), ("cross", "bad")):
        ticket = await does(await a_ticket(subject), "withdraw", text="Works again.")
        await execute("INSERT INTO satisfaction (ticket, score, at) VALUES ($1, $2, $3)", ticket.id, score, clock.now())
    page = await operator.get("/reports?months=1")
    behind = {href: words(await operator.get(href)) for href in links(page.text, "score")}
    assert len(behind) == 2
    (cross,) = [text for href, text in behind.items() if "score=bad" in href]
    assert "cross" in cross
    assert "pleased" not in cross
    assert "50%" in words(page)


async def test_effort_is_summed_by_contract_and_by_colleague(operator: Browser) -> None:
    for n, minutes in ((1, 45), (2, 60)):
        ticket = await in_work(f"asked {n}")
        await does(ticket, "answer", text="Try again.", delivery_method="phone", minutes=minutes)
    page = await operator.get("/reports?months=1")
    assert "Altogether 105 minutes were booked." in words(page)
    assert re.search(r"Olga 2 105", words(page))
    behind = [words(await operator.get(href)) for href in links(page.text, "effort")]
    assert all("asked 1" in text and "asked 2" in text for text in behind)


async def test_colleagues_of_one_name_are_told_apart(signs_in: Signs) -> None:
    first = await signs_in(Role.OPERATOR, name="Olga")
    second = await signs_in(Role.OPERATOR, name="Olga-2")
    await execute("UPDATE app_user SET name = 'Olga'")
    for browser, subject in ((first, "of the first"), (second, "of the second")):
        ticket = await in_work(subject)
        await makes(browser, ticket, "answer", text="Try again.", delivery_method="phone", minutes="30")
    page = await first.get("/reports?months=1")
    by_colleague = [href for href in links(page.text, "effort") if "operator=" in href]
    assert len(by_colleague) == 2
    for href in by_colleague:
        behind = words(await first.get(href))
        assert ("of the first" in behind) != ("of the second" in behind)
        assert "Olga" in behind
    assert re.search(r"Olga \S+@\S+ 1 30", words(page))
    items = (await first.client.get("/api/v1/reports/effort?months=1")).json()["items"]
    assert len({one["operator_id"] for one in items}) == 2
    assert {one["operator"] for one in items} == {"Olga"}


async def test_minutes_booked_by_a_personal_token_are_its_persons(operator: Browser) -> None:
    person = await fetchval("SELECT id FROM app_user WHERE name = 'Olga'")
    keys = [("script of Olga", person), ("telephone exchange", None)]
    for n, (name, user) in enumerate(keys):
        known = await bearer(await add_token(name, role=Role.OPERATOR, user=user, at=clock.now()), at=clock.now())
        assert known
        ticket, given = await in_work(name), {"text": "Try again.", "delivery_method": "phone", "minutes": 40 + n}
        await carry_out(ticket.id, "answer", by=known.actor, at=clock.now(), cause=f"request:{n}", given=given)
    await makes(operator, await in_work("by hand"), "answer", text="Try.", delivery_method="phone", minutes="30")
    page = await operator.get("/reports?months=1")
    assert "Olga 2 70" in words(page)
    assert "telephone exchange 1 41" in words(page)
    assert "script of Olga" not in words(page)
    (hers,) = [href for href in links(page.text, "effort") if f"operator=staff%3A{person}" in href]
    behind = words(await operator.get(hers))
    assert all(subject in behind for subject in ("script of Olga", "by hand"))
    assert "telephone exchange" not in behind
    bookings = (await operator.client.get("/reports/bookings/csv?months=1")).content.decode("utf-8-sig")
    who = [row[5] for row in csv.reader(io.StringIO(bookings))][1:]
    assert who == ["Olga", "telephone exchange", "Olga"]


async def test_every_table_is_a_file(operator: Browser) -> None:
    ticket = await disputed()
    await does(ticket, "request_info", text="Which version?", minutes=30)
    await does(ticket, "resume", text="Seven.")
    await execute("INSERT INTO satisfaction (ticket, score, at) VALUES ($1, 'good', $2)", ticket.id, clock.now())
    page = await operator.get("/reports?months=1")
    files = {unescape(href) for href in re.findall(r'href="(/reports/\w+/(?:csv|xlsx)\?[^"]*)"', page.text)}
    names = {href.split("/")[2] for href in files}
    assert names == {"sla", "states", "pauses", "disputes", "effort", "bookings", "satisfaction"}
    for href in files:
        answer = await operator.client.get(href)
        assert answer.status_code == 200, href
        if "/csv" in href:
            rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
            assert len(rows) > 1, href
            assert {len(row) for row in rows} == {len(rows[0])}, href
    bookings = (await operator.client.get("/reports/bookings/csv?months=1")).content.decode("utf-8-sig")
    assert [row[-3:] for row in csv.reader(io.StringIO(bookings))][1:] == [["Olga", "E-mail", "45"], ["Olga", "", "30"]]


async def test_files_name_reasons_and_service_levels_as_the_page_does(operator: Browser) -> None:
    ticket = await in_work()
    await does(ticket, "extend", reason="needs_development", text="Soon.", promised_at="2099-01-01T12:00:00+03:00")
    await execute("UPDATE ticket SET service_level = 'extended' WHERE id = $1", ticket.id)
    page = words(await operator.get("/reports?months=1"))
    for name, column in (("extensions", 1), ("sla", 3)):
        file = (await operator.client.get(f"/reports/{name}/csv?months=1")).content.decode("utf-8-sig")
        said = {row[column] for row in list(csv.reader(io.StringIO(file)))[1:]}
        assert not said & {"needs_development", "extended"}
        assert all(one in page for one in said), said


async def test_a_file_of_bookings_goes_on_where_a_page_ended(
    operator: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.reporting.PAGE", 2)
    ticket = await in_work()
    for _n in range(5):
        await does(ticket, "answer", text="Try again.", delivery_method="phone", minutes=30)
    answer = await operator.client.get("/reports/bookings/csv?months=1")
    assert len(answer.text.strip().splitlines()) == 6


async def test_addresses_of_nonsense_are_not_found(operator: Browser) -> None:
    for query in ("", "?kind=resolution&month=2026-13&result=met", "?kind=state&state=nonsense", "?kind=move&trigger=x",
                  "?kind=effort&month=x", "?kind=pause&reason=x", "?kind=score&month=2026-05&score=x",
                  "?kind=registration&result=x"):  # fmt: skip
        assert (await operator.get(f"/reports/tickets{query}")).status_code == 404, query
    assert (await operator.get("/reports/journal/exe")).status_code == 404
    assert (await operator.get("/reports/journal?from=2026-99-99&until=x")).status_code == 200


async def test_customers_and_strangers_see_no_reports(stranger: Browser, signs_in: Signs) -> None:
    assert (await stranger.client.get("/reports")).status_code == 401
    owner = await signs_in(Role.PROCESS_OWNER, name="Daria")
    assert (await owner.get("/reports")).status_code == 200


# --- Appendix 1 -------------------------------------------------------------------------------------------------------

FORM = ["Priority", "Organisation", "Text of the request", "Status of the request", "Contacts", "Date \\ Progress"]


async def journaled() -> Ticket:
    ticket = await a_ticket(
        "usual", text="=1+1 печать молчит", organisation="ООО «Ладога»", full_name="Пётр Щукин", position="инженер",
        phone="+7 000 100-20-30",
    )  # fmt: skip
    await does(ticket, "comment", text="между нами")
    await does(ticket, "start")
    await does(ticket, "answer", text="Обновите драйвер.", delivery_method="email", minutes=30)
    return await does(ticket, "withdraw", text="Уже работает.")


async def test_the_journal_is_in_the_form_of_the_appendix(operator: Browser) -> None:
    ticket = await journaled()
    await a_request("open one", text="Другое.")
    page = await operator.get("/reports/journal")
    heads = re.findall(r'<th scope="col">([^<]+)</th>', page.text)
    assert [unescape(head) for head in heads] == FORM
    text = words(page)
    assert "P2 ООО «Ладога»" in text
    assert "Пётр Щукин инженер +7 000 100-20-30 ivan@example.com" in text
    assert "Closed" in text
    assert "Open" in text
    assert re.search(r"\d\d\.\d\d\.\d\d \d\d:\d\d \\ Answered\. Обновите драйвер\. \(Olga\)", text)
    assert "между нами" not in text
    assert str(ticket.number) in text


async def test_the_same_columns_stand_in_csv(operator: Browser) -> None:
    await journaled()
    answer = await operator.client.get("/reports/journal/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == FORM
    assert rows[1][2] == "'=1+1 печать молчит"  # no spreadsheet carries it out
    assert rows[1][3] == "Closed"
    assert rows[1][4].splitlines()[:3] == ["1. Пётр Щукин", "2. инженер", "3. +7 000 100-20-30"]
    assert len(rows[1][5].splitlines()) == 5


async def test_the_same_columns_stand_in_a_workbook(operator: Browser) -> None:
    await journaled()
    answer = await operator.client.get("/reports/journal/xlsx")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    rows = [["".join(cell.itertext()) for cell in row] for row in sheet.iter(f"{SHEET}row")]
    assert rows[0] == FORM
    assert rows[1][2] == "=1+1 печать молчит"  # a text, as its type says
    assert {cell.get("t") for row in sheet.iter(f"{SHEET}row") for cell in row} == {"inlineStr"}


async def test_the_journal_holds_the_days_asked_for_and_long_ones_whole(operator: Browser) -> None:
    await a_ticket("first")
    await execute(
        "INSERT INTO ticket (id, state, subject, text, channel, received_at, regulation_version, clocks, head) "
        "SELECT gen_random_uuid(), state, 'n', 'n' || n, channel, received_at - n * interval '1 second', "
        "regulation_version, clocks, head FROM ticket, generate_series(1, 450) n"
    )
    answer = await operator.client.get("/reports/journal/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 1 + await fetchval("SELECT count(*) FROM ticket")
    page = await operator.get("/reports/journal")
    onward = re.search(r'href="([^"]+)" rel="next"', page.text)
    assert onward
    rest = await operator.get(unescape(onward[1]))
    shown = [len(re.findall(r"<tr>", one.text)) - 1 for one in (page, rest)]
    assert shown == [300, len(rows) - 301]
    assert (await operator.get("/reports/journal?after=nonsense~x")).status_code == 200
    none = await operator.get("/reports/journal?from=2020-01-01&until=2020-01-31")
    assert "No requests in this time" in words(none)


async def test_programs_get_the_journal_and_the_effort(operator: Browser) -> None:
    await journaled()
    for name in ("csv", "xlsx"):
        answer = await operator.client.get(f"/api/v1/journal.{name}")
        assert answer.status_code == 200, answer.text
        assert answer.content
    effort = (await operator.client.get("/api/v1/reports/effort?months=2")).json()
    assert effort["minutes_total"] == 30
    assert [(one["operator"], one["answers"], one["minutes"]) for one in effort["items"]] == [("Olga", 1, 30)]
    whole = await operator.client.get("/api/v1/journal.csv?from=0001-01-01&until=9999-12-31")
    assert whole.content == (await operator.client.get("/api/v1/journal.csv")).content
    wrong = await operator.client.get("/api/v1/journal.csv?from=2026-02-01&until=2026-01-01")
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("asked", "field"),
    [("sla?level=%00S", "level"), ("sla/tickets?month=2026-05&result=met&priority=%00", "priority")],
)
async def test_a_code_that_no_database_holds_is_refused_by_its_name(operator: Browser, asked: str, field: str) -> None:
    answer = await operator.client.get(f"/api/v1/reports/{asked}")
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (422, [field])
