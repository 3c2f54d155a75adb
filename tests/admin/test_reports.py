"""Reports: figures that lead to their tickets, effort, and the journal of Appendix 1 as page and as files."""

import csv
import io
import re
import zipfile
from datetime import timedelta
from html import unescape
from xml.etree import ElementTree

from service import clock
from service.database import execute, fetchval
from service.ticket import Ticket
from tests.admin.conftest import Browser, Signs, words
from tests.admin.test_desk import a_request, a_ticket, does, in_work
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
    assert "Nothing to report yet" in words(await operator.get("/reports"))


async def test_every_figure_leads_to_its_tickets(operator: Browser) -> None:
    await a_ticket("usual", priority="P3")
    late = await in_work("late")
    await execute(
        "UPDATE ticket SET due_at = $1, late_from = $1 WHERE id = $2", clock.now() - timedelta(hours=1), late.id
    )
    await disputed()
    page = await operator.get("/reports?months=3")
    assert page.status_code == 200
    kinds = ("registration", "resolution", "move", "effort", "state")
    by_figure = {href: words(await operator.get(href)) for kind in kinds for href in links(page.text, kind)}
    assert by_figure
    assert all("Nothing stands behind this figure now" not in text for text in by_figure.values())
    breached = [text for href, text in by_figure.items() if "kind=resolution" in href and "result=breached" in href]
    assert breached
    assert all("late" in text and "usual" not in text for text in breached)
    assert any("disputed" in text for href, text in by_figure.items() if "kind=move" in href)
    assert 'class="chart-late"' in page.text


async def test_addresses_of_nonsense_are_not_found(operator: Browser) -> None:
    for query in ("", "?kind=resolution&month=2026-13&result=met", "?kind=state&state=nonsense", "?kind=move&trigger=x",
                  "?kind=effort&month=x"):  # fmt: skip
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
    assert "The page shows the first 300 requests" in words(page)
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
    wrong = await operator.client.get("/api/v1/journal.csv?from=2026-02-01&until=2026-01-01")
    assert wrong.status_code == 422
