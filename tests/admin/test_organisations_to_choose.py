"""Any organisation can be chosen, however many there are: by its name, or by a part of it or of its mail domain."""

import re

import pytest

from service.database import execute, fetchrow, fetchval
from tests.admin.conftest import Browser, words
from tests.admin.test_desk import a_ticket, makes, page_of
from tests.admin.test_held_pages import STRANGER, goes, newsletter
from tests.admin.test_many_at_once import subjects

NAMED = "SELECT id FROM organisation WHERE name = $1"


@pytest.fixture
async def port(operator: Browser) -> int:
    """The last of many by its name."""
    await execute(
        "INSERT INTO organisation (name, domains, created_at) SELECT 'Berth ' || n, '[]', now() "
        "FROM generate_series(1, 600) AS n"
    )
    return int(
        await fetchval(
            "INSERT INTO organisation (name, domains, created_at) "
            "VALUES ('Zenith Port', '[\"north-quay.example.com\"]', now()) RETURNING id"
        )
    )


@pytest.mark.parametrize("typed", ["zenith port", "zenith", "quay.example"])
async def test_the_queue_is_narrowed_to_the_only_organisation_that_is_meant(
    operator: Browser, port: int, typed: str
) -> None:
    await a_ticket("Of somebody")
    await makes(operator, await a_ticket("Of the port"), "identify", organisation="Zenith Port")
    answer = await operator.get(f"/desk?priority=P2&organisation={typed}")
    assert answer.headers["location"] == f"/desk?priority=P2&organisation={port}"
    page = await operator.get(answer.headers["location"])
    assert subjects(page.text) == ["Of the port"]
    assert 'name="organisation" value="Zenith Port"' in page.text
    assert re.search(r'<a class="chip on"[^>]*>Zenith Port', page.text)


async def test_of_several_organisations_one_is_chosen(operator: Browser, port: int) -> None:
    page = await operator.get("/desk?state=registered&organisation=erth+59")
    assert "Which one? Berth 59 · Berth 590 ·" in words(page)
    assert re.search(r'href="/desk\?state=registered&amp;organisation=\d+">Berth 590<', page.text)
    exactly = await operator.get("/desk?organisation=BERTH+59")
    assert exactly.headers["location"] == f"/desk?organisation={await fetchval(NAMED, 'Berth 59')}"


async def test_a_name_nobody_has_is_said_beside_the_filter_and_kept(operator: Browser, port: int) -> None:
    page = await operator.get("/desk?organisation=%3Cnobody%3E")
    assert re.search(r'id="e-organisation">.*?There is no organisation “&lt;nobody&gt;”', page.text)
    assert 'name="organisation" value="&lt;nobody&gt;"' in page.text


async def test_a_ticket_is_identified_by_the_name_and_by_the_address_of_the_person(
    operator: Browser, port: int
) -> None:
    contact = await fetchval(
        "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
        "VALUES ($1, 'Ann Pilot', '', '', 'en', now()) RETURNING id",
        port,
    )
    await execute("INSERT INTO contact_address (address, contact) VALUES ('ann@quay.example.com', $1)", contact)
    ticket = await a_ticket()
    await makes(operator, ticket, "identify", organisation="Zenith Port", contact="ann@quay.example.com")
    row = await fetchrow("SELECT organisation, contact FROM ticket WHERE id = $1", ticket.id)
    assert (row["organisation"], row["contact"]) == (port, contact)
    page = (await operator.get(page_of(ticket))).text
    assert re.search(r'value="Zenith Port" id="f-identify-organisation"[^>]*data-among="organisations"', page)
    assert 'data-among="contacts"' in page


async def test_a_part_of_a_name_is_refused_with_the_names_it_may_mean(operator: Browser, port: int) -> None:
    refused = await makes(operator, await a_ticket(), "identify", organisation="north-quay")
    assert refused.status_code == 422
    error = re.search(r'id="e-identify-organisation">(.*?)</p>', refused.text, re.DOTALL)
    assert error
    assert "There is no organisation “north-quay”. Perhaps: Zenith Port." in error[1]
    assert re.search(r'<datalist id="s-identify-organisation"><option value="Zenith Port">', refused.text)


async def test_a_sender_is_learned_by_the_name_of_the_organisation(operator: Browser, port: int) -> None:
    mail = await newsletter()
    refused = await goes(operator, mail, "learn", organisation="zenith")
    assert "There is no organisation “zenith”. Perhaps: Zenith Port." in words(refused)
    assert 'value="zenith"' in refused.text
    await goes(operator, mail, "learn", organisation="Zenith Port", full_name="Anna Kim")
    assert (
        await fetchval(
            "SELECT c.organisation FROM contact c JOIN contact_address a ON a.contact = c.id WHERE address = $1",
            STRANGER,
        )
        == port
    )


async def test_the_look_ups_find_a_part_of_a_mail_domain(operator: Browser, port: int) -> None:
    await execute(
        "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
        "VALUES ($1, 'Ann Pilot', '', '', 'en', now())",
        port,
    )
    found = (await operator.get("/api/v1/organisations?q=north-q")).json()["items"]
    assert [one["name"] for one in found] == ["Zenith Port"]
    assert 'value="Ann Pilot"' in (await operator.get("/desk/phone?lookup=north-q")).text
