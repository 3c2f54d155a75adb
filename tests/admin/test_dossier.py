"""The dossier from the page of a ticket, and the key on the page of the regulation."""

from service import seals
from service.dossier_check import check
from tests.admin.conftest import Browser, words
from tests.admin.test_desk import a_ticket


async def test_the_page_of_a_ticket_leads_to_its_dossier(operator: Browser) -> None:
    ticket = await a_ticket()
    page = await operator.get(f"/desk/tickets/{ticket.id}")
    assert f'href="/desk/tickets/{ticket.id}/dossier?form=pdf&amp;edition=customer"' in page.text
    paper = await operator.get(f"/desk/tickets/{ticket.id}/dossier?form=pdf&edition=customer")
    assert paper.headers["content-type"] == "application/pdf"
    assert check(paper.content).dossier.made_by == "Olga"
    file = await operator.get(f"/desk/tickets/{ticket.id}/dossier?form=json")
    assert check(file.content).dossier.edition == "whole"
    assert (await operator.get(f"/desk/tickets/{ticket.id}/dossier?form=doc")).status_code in (400, 422)


async def test_the_key_stands_on_the_public_page(stranger: Browser) -> None:
    assert seals.public_key() in words(await stranger.get("/regulation/public"))
