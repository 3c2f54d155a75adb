"""Organisations, contracts and people: made, joined, invited, imported by their difference, merged and erased."""

import re
from datetime import date
from html import unescape

import httpx
import pytest

from service import clock, customers
from service.database import execute, fetch, fetchrow, fetchval
from service.intake import Request, receive
from service.verify import verify_tickets
from tests.admin.conftest import Browser, Signs, hidden_fields, words
from tests.admin.customers import ADMIN, a_contact, an_organisation, the_letter, the_link
from tests.admin.test_desk import does, in_work
from workflow.definition import Role

TABLE = """organisation;domains;contract;products;service_level;starts_on;ends_on;full_name;email
Port;port.example.com;K-1;Crane,Dock;standard;2025-01-01;2025-12-31;Ivan;ivan@port.example.com
Port;;;;;;;Nina;nina@port.example.com
"""


@pytest.fixture
async def administrator(signs_in: Signs) -> Browser:
    return await signs_in(Role.ADMINISTRATOR, name="Root")


async def test_an_organisation_gets_a_contract_and_people(administrator: Browser) -> None:
    made = await administrator.send("/customers", on="/customers", name="Port", domains="port.example.com")
    page = made.headers["location"]
    await administrator.send(
        f"{page}/contracts", on=page, number="K-1", products="Crane, Dock", service_level="standard",
        starts_on="2020-01-01", ends_on="2020-12-31",
    )  # fmt: skip
    person = await administrator.send(
        f"{page}/people", on=page, full_name="Ivan", addresses="ivan@port.example.com", language="en"
    )
    assert person.headers["location"].startswith("/customers/people/")
    shown = words(await administrator.get(page))
    assert "K-1 Crane, Dock Standard" in shown
    assert "expired" in shown
    assert "Ivan" in shown
    assert "expired" in words(await administrator.get("/customers"))


async def test_what_is_wrong_is_said_and_what_was_typed_stays(administrator: Browser) -> None:
    page = f"/customers/{await an_organisation()}"
    answer = await administrator.send(
        f"{page}/contracts", on=page, number="K-7", products="", service_level="standard", starts_on="", ends_on=""
    )
    assert answer.status_code == 422
    assert "no first day" in words(answer)
    assert 'value="K-7"' in answer.text
    answer = await administrator.send(page, on=page, name="Port", domains="no domain")
    assert answer.status_code == 422


def beside(answer: httpx.Response, field: str) -> str:
    """What is said beside a field of a refused form; '' for nothing."""
    assert answer.status_code == 422
    assert "flash-refused" not in answer.text
    told = re.search(rf'aria-invalid="true" autofocus aria-describedby="e-{field}[ "].*?id="e-{field}">(.*?)</p>',
                     answer.text, re.DOTALL)  # fmt: skip
    return unescape(re.sub(r"<[^>]+>", "", told[1])) if told else ""


async def test_every_refusal_stands_beside_its_field_and_the_words_stay(administrator: Browser) -> None:
    port, mine = await an_organisation(), await an_organisation("Mine", "mine.example.com")
    await execute(
        "INSERT INTO contract (organisation, number, products, service_level, starts_on) "
        "VALUES ($1, 'K-1', '[]', '', $2), ($1, 'K-2', '[]', '', $2)",
        port, date(2025, 1, 1),
    )  # fmt: skip
    contract = await fetchval("SELECT id FROM contract WHERE number = 'K-1'")
    ivan = await a_contact("Ivan", "ivan@port.example.com", port)
    await a_contact("Nina", "nina@port.example.com", port)
    eve = await a_contact("Eve", "eve@mine.example.com", mine)
    lone = await a_contact("Lone", "lone@else.example.com")
    page, person = f"/customers/{port}", f"/customers/people/{ivan}"
    terms = {"number": "K-2", "products": "", "service_level": "standard", "starts_on": "2025-01-01", "ends_on": ""}
    facts = {"full_name": "Ivan", "addresses": "nina@port.example.com", "position": "", "phone": "", "language": "ru"}
    for path, on, typed, field, sentence in (
        ("/customers", "/customers", {"name": "Port", "domains": ""}, "name", "“Port” is there already."),
        ("/customers", "/customers", {"name": "New", "domains": "ya.ru"}, "domains", "Anybody may have an address"),
        (page, page, {"name": "Mine", "domains": ""}, "organisation-name", "“Mine” is there already."),
        (page, page, {"name": "Port", "domains": "no"}, "organisation-domains", "“no” is not a domain."),
        (f"{page}/contracts", page, terms, "contract-number", "“K-2” is there already."),
        (f"{page}/contracts", page, terms | {"starts_on": ""}, "contract-starts_on", "no first day"),
        (f"{page}/contracts/{contract}", page, terms, f"contract-{contract}-number", "“K-2” is there already."),
        (f"{page}/people", page, facts, "person-addresses", "“nina@port.example.com” is there already."),
        (f"{page}/merge", page, {"other": "Nowhere"}, "merge-other", "There is no organisation “Nowhere”."),
        (f"{page}/merge", page, {"other": "Port"}, "merge-other", "cannot be merged with itself"),
        (f"{page}/merge", page, {"other": " "}, "merge-other", "Please fill this in."),
        (person, person, facts, "addresses", "“nina@port.example.com” is there already."),
        (f"{person}/merge", person, {"other": "Nobody"}, "merge-other", "There is nobody “Nobody”."),
        (f"{person}/merge", person, {"other": str(eve)}, "merge-other", "belong to different organisations"),
        (f"{person}/merge", person, {"other": "ivan@port.example.com"}, "merge-other", "merged with itself"),
        (f"/customers/people/{lone}/join", "/customers", {"organisation": "Prot"}, "join-organisation", "“Prot”"),
    ):
        answer = await administrator.send(path, on=on, **typed)
        assert sentence in beside(answer, field), (path, typed)
        assert all(unescape(answer.text).count(word) for word in typed.values())
    assert await fetchval("SELECT count(*) FROM organisation WHERE merged_into IS NULL") == 2


async def test_each_bad_line_of_a_table_stands_on_a_line_beside_it(administrator: Browser) -> None:
    table = "organisation,email,full_name\nPort,nonsense,Ivan\n,a@b.example.com,Nina\n"
    answer = await administrator.send("/customers/import", on="/customers/import", table=table)
    told = beside(answer, "table").split("\n")
    assert [line.partition(":")[0] for line in told] == ["Line 2", "Line 3"]


async def test_another_record_is_named_by_its_address_or_by_a_name_that_one_person_has(operator: Browser) -> None:
    port = await an_organisation()
    ivan = await a_contact("Ivan", "ivan@port.example.com", port)
    await a_contact("I. Orlov", "a@port.example.com", port)
    await a_contact("I. Orlov", "b@port.example.com", port)
    await a_contact("I. Orlov", "orlov@else.example.com")
    page = f"/customers/people/{ivan}"
    refused = await operator.send(f"{page}/merge", on=page, other="i. orlov")
    assert "Several people are called “i. orlov”" in beside(refused, "merge-other")
    assert (await operator.send(f"{page}/merge", on=page, other="A@port.example.com")).status_code == 303
    assert (await operator.send(f"{page}/merge", on=page, other="I. Orlov")).status_code == 303
    assert (await operator.send(f"{page}/merge", on=page, other="orlov@else.example.com")).status_code == 303
    rows = await fetch("SELECT address FROM contact_address WHERE contact = $1 ORDER BY address", ivan)
    assert [row["address"].partition("@")[0] for row in rows] == ["a", "b", "ivan", "orlov"]


async def test_lists_of_people_go_on_where_their_page_ended(operator: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.customer_records.PAGE", 2)
    monkeypatch.setattr("service.customer_records.PAGE_WAITING", 2)
    port = await an_organisation()
    for name in ("Anna", "Boris", "Boris", "Clara", "Dmitri"):
        await a_contact(name, f"{name}-{await fetchval('SELECT count(*) FROM contact')}@port.example.com", port)
    for name in ("Lone 1", "Lone 2", "Lone 3", "Lone 4", "Lone 5"):
        lone = await a_contact(name, f"{name.replace(' ', '')}@else.example.com")
    await customers.invite(lone, sees="own", by=ADMIN, at=clock.now())
    await customers.redeem((await the_link("invitation")).rpartition("/")[2], at=clock.now())
    assert await told_in_turn(operator, f"/customers/{port}", "people", r"people/\d+\">(\w+)</a></td>") == [
        "Anna", "Boris", "Boris", "Clara", "Dmitri",
    ]  # fmt: skip
    assert await told_in_turn(operator, "/customers", "waiting", r">(Lone \d)</a>") == [
        "Lone 5", "Lone 4", "Lone 3", "Lone 2", "Lone 1",
    ]  # fmt: skip
    for path in (f"/customers/{port}?people=x", "/customers?waiting=x"):
        assert (await operator.get(path)).status_code == 422


async def told_in_turn(browser: Browser, path: str, cursor: str, name: str) -> list[str]:
    """The names of a list, page by page, to its end."""
    told: list[str] = []
    onward: str | None = path
    while onward:
        page = await browser.get(onward)
        told += re.findall(name, page.text)
        found = re.search(rf'href="([^"#]*{cursor}=[^"#]*)[^"]*" rel="next"', page.text)
        onward = unescape(found[1]) if found else None
    return told


async def test_addresses_may_be_separated_by_commas_and_are_addresses(operator: Browser) -> None:
    page = f"/customers/{await an_organisation()}"
    facts = {"full_name": "Ivan", "position": "", "phone": "", "language": "ru"}
    refused = await operator.send(f"{page}/people", on=page, addresses="Ivan <ivan@port.example.com>", **facts)
    assert refused.status_code == 422
    assert "not a mail address" in words(refused)
    made = await operator.send(f"{page}/people", on=page, addresses="a@port.example.com, b@port.example.com", **facts)
    assert made.status_code == 303
    rows = await fetch("SELECT address FROM contact_address ORDER BY address")
    assert [row["address"] for row in rows] == ["a@port.example.com", "b@port.example.com"]


async def test_a_person_is_found_by_name_address_and_phone(operator: Browser) -> None:
    """Whoever asks to be forgotten tells an address, not an organisation."""
    port = await an_organisation()
    ivan = await a_contact("Ivan Orlov", "ivan@port.example.com", port)
    lone = await a_contact("Nina Lone", "nina@else.example.com")
    await execute("UPDATE contact SET phone = '+7 (495) 123-45-67' WHERE id = $1", ivan)
    for asked in ("orlov", "IVAN@port", "1234567"):
        page = await operator.get(f"/customers?q={asked}")
        assert f'href="/customers/people/{ivan}"' in page.text
        assert "Nothing found" not in words(page)
    assert f'href="/customers/people/{lone}"' in (await operator.get("/customers?q=nina@else.example.com")).text
    assert "Nothing found" in words(await operator.get("/customers?q=nobody"))


@pytest.mark.parametrize("level", ["", "gold"])
async def test_a_contract_without_a_level_or_with_one_that_is_gone_is_shown_and_keeps_it(
    administrator: Browser, level: str
) -> None:
    """Tables and programs may leave the level out, and a later regulation may drop one."""
    port = await an_organisation()
    await execute(
        "INSERT INTO contract (organisation, number, products, service_level, starts_on) "
        "VALUES ($1, 'K-1', '[]', $2, $3)",
        port, level, date(2025, 1, 1),
    )  # fmt: skip
    page = await administrator.get(f"/customers/{port}")
    assert page.status_code == 200
    change = f"/customers/{port}/contracts/{await fetchval('SELECT id FROM contract')}"
    assert f'<option value="{level}" selected>{level or "—"}</option>' in page.text
    terms = {"number": "K-1", "service_level": level, "starts_on": "2025-02-02"}
    assert (await administrator.send(change, on=f"/customers/{port}", **terms)).status_code == 303
    assert tuple(await fetchrow("SELECT service_level, starts_on::text FROM contract")) == (level, "2025-02-02")


async def test_a_contract_is_changed_and_tickets_keep_what_it_said(administrator: Browser) -> None:
    page = f"/customers/{await an_organisation()}"
    terms = {"number": "K-1", "products": "Crane", "service_level": "standard", "starts_on": "2020-01-01"}
    await administrator.send(f"{page}/contracts", on=page, ends_on="2020-12-31", **terms)
    contract = await fetchval("SELECT id FROM contract")
    path = f"{page}/contracts/{contract}"
    refused = await administrator.send(path, on=page, **terms | {"starts_on": "2021-01-01", "ends_on": "2020-12-31"})
    assert refused.status_code == 422
    assert "ends before it begins" in words(refused)
    assert 'value="2021-01-01"' in refused.text
    done = await administrator.send(path, on=page, **terms | {"products": "Crane, Dock", "ends_on": ""})
    assert done.status_code == 303
    row = await fetchrow("SELECT products, ends_on FROM contract")
    assert tuple(row) == ('["Crane", "Dock"]', None)
    foreign = f"/customers/{await an_organisation('Mine', 'mine.example.com')}/contracts/{contract}"
    token = re.search(r'name="_csrf_token" value="([^"]+)"', refused.text)
    assert token
    answer = await administrator.client.post(foreign, data=terms | {"_csrf_token": token[1], "ends_on": ""})
    assert answer.status_code == 404


async def test_a_ticket_shows_that_its_contract_is_over_or_that_there_is_none(operator: Browser) -> None:
    port = await an_organisation()
    await a_contact("Ivan", "ivan@port.example.com", port)
    marks = {}
    for mark, ends_on in (("No contract", ""), ("The contract has expired", "2020-12-31"), ("", "2999-12-31")):
        if ends_on:
            await execute(
                "INSERT INTO contract (organisation, number, products, service_level, starts_on, ends_on) "
                "VALUES ($1, $2, '[]', '', '2020-01-01', $3)", port, ends_on, date.fromisoformat(ends_on),
            )  # fmt: skip
        asked = Request(channel="phone", text="Help", email="ivan@port.example.com")
        ticket = await receive(asked, by=ADMIN, at=clock.now(), cause=f"request:{ends_on}")
        shown = words(await operator.get(f"/desk/tickets/{ticket.id}"))
        marks[mark] = [one for one in ("No contract", "The contract has expired") if one in shown]
    assert marks == {
        "No contract": ["No contract"], "The contract has expired": ["The contract has expired"], "": [],
    }  # fmt: skip


async def test_a_person_is_changed_and_what_is_wrong_is_said(operator: Browser) -> None:
    port = await an_organisation()
    contact = await a_contact("Ivan", "ivan@port.example.com", port)
    await a_contact("Nina", "nina@port.example.com", port)
    page = f"/customers/people/{contact}"
    good = {"full_name": "Ivan Orlov", "addresses": "ivan@port.example.com, i.orlov@port.example.com", "position": "",
            "phone": "+7 1", "language": "ru"}  # fmt: skip
    for field, value, sentence in (
        ("addresses", "nina@port.example.com", "is there already"),
        ("addresses", "", "fill this in"),
        ("full_name", " ", "fill this in"),
        ("phone", "1" * 101, "too long"),
        ("full_name", "x" * 501, "too long"),
    ):
        answer = await operator.send(page, on=page, **good | {field: value})
        assert answer.status_code == 422, (field, value)
        assert sentence in words(answer)
        assert "i.orlov" in answer.text or field == "addresses"
    assert (await operator.send(page, on=page, **good)).status_code == 303
    row = await fetchrow("SELECT full_name, phone, language FROM contact WHERE id = $1", contact)
    assert tuple(row) == ("Ivan Orlov", "+7 1", "ru")
    assert await fetchval("SELECT count(*) FROM contact_address WHERE contact = $1", contact) == 2


async def test_nobody_claims_a_domain_of_everybody(administrator: Browser) -> None:
    page = f"/customers/{await an_organisation()}"
    answer = await administrator.send(page, on=page, name="Port", domains="port.example.com\ngmail.com")
    assert answer.status_code == 422
    assert "Anybody may have an address at “gmail.com”" in words(answer)
    table = "organisation,domains\nPort,mail.ru\n"
    assert "“mail.ru”" in words(await administrator.send("/customers/import", on="/customers/import", table=table))


async def test_two_organisations_become_one(administrator: Browser) -> None:
    port, other = await an_organisation(), await an_organisation("Port Ltd", "port.example.net")
    await a_contact("Ivan", "ivan@port.example.net", other)
    page = f"/customers/{port}"
    await administrator.send(f"{page}/merge", on=page, other=str(other))
    shown = await administrator.get(page)
    assert "Two records are one now." in words(shown)
    assert "Ivan" in words(shown)
    assert "port.example.net" in shown.text
    assert (await administrator.get(f"/customers/{other}")).status_code == 404
    assert "Port Ltd" not in words(await administrator.get("/customers"))


async def test_who_registers_from_elsewhere_is_told_of_and_joined_with_what_he_claims(
    administrator: Browser, signs_in: Signs
) -> None:
    await signs_in(Role.SUPERVISOR, name="Sonja")
    port = await an_organisation()
    told = customers.Registration(
        email="nina@else.example.com", full_name="Nina", organisation="The Port", language="en"
    )
    await customers.register(told, at=clock.now())
    redeemed = await customers.redeem((await the_link("registration")).rpartition("/")[2], at=clock.now())
    page = f"/customers/people/{redeemed.contact}"
    assert page in await the_letter("waiting")
    assert await fetchval("SELECT recipient FROM letter WHERE kind = 'waiting'") == "sonja@example.org"
    assert "nina" not in (await the_letter("waiting")).lower()
    ticket = await receive(
        Request(channel="email", text="Help", email="Nina@else.example.com"), by=ADMIN, at=clock.now(), cause="mail:9"
    )
    assert "says: The Port" in words(await administrator.get("/customers"))
    assert "named “The Port”" in words(await administrator.get(page))
    await administrator.send(f"{page}/join", on=page, organisation=str(port))
    assert await fetchval("SELECT organisation FROM ticket WHERE id = $1", ticket.id) == port
    assert "we have joined you" in await the_letter("joined")
    assert "The Port" not in words(await administrator.get(page))
    assert await verify_tickets([ticket.id]) == []


async def test_operators_look_after_people_and_administrators_after_the_rest(operator: Browser) -> None:
    id = await an_organisation()
    contact = await a_contact("Ivan", "ivan@port.example.com", id)
    page = await operator.get(f"/customers/{id}")
    assert "New person" in words(page)
    assert "New contract" not in words(page)
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token
    for path in (f"/customers/{id}", f"/customers/{id}/contracts", f"/customers/people/{contact}/erase",
                 "/customers/import", "/customers"):  # fmt: skip
        answer = await operator.client.post(path, data={"_csrf_token": token[1], "name": "x"})
        assert answer.status_code == 403


async def test_an_operator_invites_and_joins(operator: Browser) -> None:
    port = await an_organisation()
    contact = await a_contact("Nina", "nina@else.example.com")
    assert "Nina" in words(await operator.get("/customers"))
    await operator.send(f"/customers/people/{contact}/join", on="/customers", organisation=str(port))
    assert await fetchval("SELECT organisation FROM contact WHERE id = $1", contact) == port
    page = f"/customers/people/{contact}"
    await operator.send(f"{page}/invite", on=page, sees="organisation")
    assert "A letter goes to nina@else.example.com" in words(await operator.get(page))
    redeemed = await customers.redeem((await the_link("invitation")).rpartition("/")[2], at=clock.now())
    assert redeemed.joined
    assert await fetchval("SELECT sees FROM customer_account") == "organisation"
    await operator.send(f"{page}/rights", on=page, sees="own")  # without the tick: blocked
    assert tuple(await fetchrow("SELECT sees, active FROM customer_account")) == ("own", False)


async def test_an_invitation_that_waits_is_shown_sent_again_and_taken_back(operator: Browser) -> None:
    contact = await a_contact("Nina", "nina@port.example.com", await an_organisation())
    page = f"/customers/people/{contact}"
    await operator.send(f"{page}/invite", on=page, sees="organisation")
    told = words(await operator.get(page))
    assert re.search(r"Invited .*; the letter went to nina@port\.example\.com\. Its link works until .*\.", told)
    assert "Sees: All tickets of the organisation." in told
    assert "No account yet" not in told
    assert "Send the invitation again" in told
    await execute("UPDATE account_link SET expires_at = created_at")
    assert "Its link expired" in words(await operator.get(page))
    await operator.send(f"{page}/invite", on=page, sees="own")
    link = f"/cabinet/account/{(await the_link('invitation')).rpartition('/')[2]}"
    await operator.send(f"{page}/take-back", on=page)
    told = words(await operator.get(page))
    assert "The invitation is taken back." in told
    assert "No account yet" in told
    assert "was taken back" in words(await operator.get(link))


async def test_a_table_shows_its_difference_and_changes_exactly_that(administrator: Browser) -> None:
    shown = await administrator.send("/customers/import", on="/customers/import", table=TABLE)
    said = words(shown)
    for difference in ("New organisation: Port", "new contract K-1", "new person Ivan", "new person Nina"):
        assert difference in said
    assert await fetchval("SELECT count(*) FROM organisation") == 0
    digest = re.search(r'name="digest" value="([0-9a-f]+)"', shown.text)
    assert digest
    done = await administrator.send("/customers/import", on="/customers/import", table=TABLE, digest=digest[1])
    assert done.status_code == 303
    assert await fetchval("SELECT count(*) FROM contact") == 2
    again = await administrator.send("/customers/import", on="/customers/import", table=TABLE)
    assert "known already" in words(again)
    other = TABLE.replace("2025-12-31", "2027-12-31").replace("Nina;", "Nina Orlova;")
    changed = await administrator.send("/customers/import", on="/customers/import", table=other)
    assert "Contract K-1: 2025-12-31 → 2027-12-31" in words(changed)
    assert "Nina → Nina Orlova" in words(changed)
    stale = await administrator.send("/customers/import", on="/customers/import", table=other, digest=digest[1])
    assert stale.status_code == 422
    assert await fetchval("SELECT ends_on::text FROM contract") == "2025-12-31"


async def imported(browser: Browser, table: str) -> str:
    """What the table changes, in words; and it is changed."""
    shown = await browser.send("/customers/import", on="/customers/import", table=table)
    digest = re.search(r'name="digest" value="([0-9a-f]+)"', shown.text)
    assert digest, words(shown)
    done = await browser.send("/customers/import", on="/customers/import", table=table, digest=digest[1])
    assert done.status_code == 303
    return words(shown)


async def test_an_empty_or_missing_cell_leaves_what_is_known(administrator: Browser) -> None:
    await imported(administrator, TABLE)
    await execute("UPDATE contact SET position = 'Engineer', phone = '+7 1', language = 'en' WHERE full_name = 'Ivan'")
    said = await imported(
        administrator, "organisation;full_name;email;position\nPort;Ivan Orlov;ivan@port.example.com;\n"
    )
    assert "Person ivan@port.example.com: Ivan → Ivan Orlov" in said
    row = await fetchrow("SELECT full_name, position, phone, language FROM contact WHERE full_name LIKE 'Ivan%'")
    assert tuple(row) == ("Ivan Orlov", "Engineer", "+7 1", "en")
    await imported(administrator, "organisation;contract;starts_on\nPort;K-1;02.01.2025\n")
    row = await fetchrow("SELECT starts_on::text, ends_on::text, service_level, products FROM contract")
    assert tuple(row) == ("2025-01-02", "2025-12-31", "standard", '["Crane", "Dock"]')


async def test_what_belongs_to_others_stays_and_who_has_nobody_is_joined(administrator: Browser) -> None:
    await imported(administrator, TABLE)
    await a_contact("Lone", "lone@else.example.com")
    table = ("organisation,contract,starts_on,full_name,email\nMine,K-1,2025-01-01,Ivan,ivan@port.example.com\n"
             "Mine,,,Lone,lone@else.example.com\n")  # fmt: skip
    said = await imported(administrator, table)
    assert "contract K-1 belongs to Port" in said
    assert "ivan@port.example.com belongs to Port and stays there" in said
    assert "lone@else.example.com is joined to Mine" in said
    rows = await fetch(
        "SELECT p.full_name, o.name FROM contact p JOIN organisation o ON o.id = p.organisation ORDER BY p.full_name"
    )
    assert [tuple(row) for row in rows] == [("Ivan", "Port"), ("Lone", "Mine"), ("Nina", "Port")]
    assert await fetchval("SELECT o.name FROM contract c JOIN organisation o ON o.id = c.organisation") == "Port"


@pytest.mark.parametrize("charset", ["utf-8-sig", "cp1251", "utf-16"])
async def test_a_table_of_a_russian_spreadsheet_is_read(administrator: Browser, charset: str) -> None:
    table = "Организация\tФИО\tE-mail\tДействует с\nООО «Порт»\tИван Орлов\tivan@port.example.com\t\n".encode(charset)
    form = hidden_fields((await administrator.get("/customers/import")).text, "/customers/import")
    shown = await administrator.client.post(
        "/customers/import", data=form, files={"file": ("table.csv", table, "text/csv")}
    )
    assert "new person Иван Орлов" in words(shown)


@pytest.mark.parametrize(
    "table",
    ["", "\n\n", "a,b\n1,2\n", "organisation\n", 'organisation\n"', "organisation,email\nPort,\x00\n", "\ufeff;;;"],
)
async def test_what_is_no_table_of_customers_is_told_and_changes_nothing(administrator: Browser, table: str) -> None:
    answer = await administrator.send("/customers/import", on="/customers/import", table=table)
    assert answer.status_code in (200, 422)
    assert await fetchval("SELECT count(*) FROM organisation") == 0


async def test_every_bad_line_of_a_table_is_named(administrator: Browser) -> None:
    bad = (
        "organisation,email,full_name,contract,starts_on,ends_on,service_level\n,x@y.example.com,X,,,,\n"
        "Port,nonsense,Y,,,,\nPort,,,K-2,,,\nPort,,,K-3,2025-02-01,2025-01-01,platinum\nPort,,,K-4,31.02.2025,,\n"
    )
    answer = await administrator.send("/customers/import", on="/customers/import", table=bad)
    assert answer.status_code == 422
    for sentence in ("Line 2: the organisation", "Line 3: “nonsense”", "Line 4: the contract has no first day",
                     "Line 5: the contract ends before", "Line 5: there is no service level “platinum”",
                     "Line 6: “31.02.2025” is not a date"):  # fmt: skip
        assert sentence in words(answer)


async def test_lines_that_contradict_one_another_are_named_and_nothing_is_changed(administrator: Browser) -> None:
    table = (
        "organisation;contract;starts_on;ends_on;full_name;email\n"
        "Port;K-1;2025-01-01;2025-12-31;Ivan;ivan@port.example.com\n"
        "port;K-1;01.01.2025;;Nina;nina@port.example.com\n"
        "Port;K-1;2025-01-01;2025-06-30;;\n"
        "Mine;K-1;2025-01-01;;;\n"
        "Port;;;;Ivan Orlov;Ivan@port.example.com\n"
        "Mine;;;;Nina;nina@port.example.com\n"
    )
    answer = await administrator.send("/customers/import", on="/customers/import", table=table)
    assert answer.status_code == 422
    for sentence in ("Line 4: K-1 is told otherwise in line 2",
                     "Line 5: K-1 is told otherwise in line 2",
                     "Line 6: ivan@port.example.com is told otherwise in line 2",
                     "Line 7: nina@port.example.com is told otherwise in line 3"):  # fmt: skip
        assert sentence in words(answer)
    assert "Line 3:" not in words(answer)
    assert await fetchval("SELECT count(*) FROM organisation") == 0


async def test_merging_keeps_one_account(administrator: Browser) -> None:
    port = await an_organisation()
    one, other = await a_contact("Ivan", "a@port.example.com", port), await a_contact("I.", "b@port.example.com", port)
    await customers.invite(other, sees="own", by=ADMIN, at=clock.now())
    redeemed = await customers.redeem((await the_link("invitation")).rpartition("/")[2], at=clock.now())
    page = f"/customers/people/{one}"
    await administrator.send(f"{page}/merge", on=page, other=str(other))
    assert await customers.account_for("b@port.example.com", redeemed.password) == one
    assert await customers.account_for("a@port.example.com", redeemed.password) == one


async def test_erasure_blanks_a_person_and_leaves_the_chain_valid(administrator: Browser) -> None:
    port = await an_organisation()
    contact = await a_contact("Ivan Sidorov", "ivan@example.com", port)
    await customers.invite(contact, sees="own", by=ADMIN, at=clock.now())
    ticket = await in_work("Sidorov cannot start")
    page = f"/customers/people/{contact}"
    refused = await administrator.send(f"{page}/erase", on=page)
    assert refused.headers["location"] == page
    assert "Finish it first." in words(await administrator.get(page))
    await does(ticket, "complete", text="Dear Sidorov", delivery_method="email", minutes=30, outcome="solved")
    await does(ticket, "confirm")
    await administrator.send(f"{page}/erase", on=page)
    assert "Erased, with 1 ticket." in words(await administrator.get("/customers"))
    assert await verify_tickets([ticket.id]) == []
    left = []
    for table in ("ticket", "message", "letter", "outbox", "contact", "contact_address", "journal", "mail",
                  "account_link", "attachment", "signed_link"):  # fmt: skip
        for row in await fetch(f"SELECT t::text AS whole, t.* FROM {table} t"):
            told = row["whole"] + "".join(bytes(v).decode("utf-8", "ignore") for v in row.values()
                                          if isinstance(v, bytes))  # fmt: skip
            if "sidorov" in told.lower() or "ivan@" in told.lower():
                left.append((table, told))
    assert left == []
    assert await fetchval("SELECT count(*) FROM journal") >= 5
    assert (await administrator.get(f"/desk/tickets/{ticket.id}")).status_code == 200
