"""Many customers at once over HTTP: two organisations become one, and a table is shown by its difference first."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Router, post
from litestar.params import FromPath, JSONBody

from service import clock, customer_import, directory
from service.api.contacts import Merge
from service.api.requests import AnyRequest
from service.auth import ADMINISTRATORS, actor_of, requires
from service.customer_import import Difference
from service.customer_table import LONGEST_TABLE
from service.directory_edits import number_of, one
from service.organisations import merge_organisations
from service.problems import language_of
from service.schemas import Incoming, OrganisationView
from service.words import translate

ADMINISTER = requires(*ADMINISTRATORS, scope="directory:write")


class CustomerTable(Incoming, frozen=True, kw_only=True):
    """A table as a spreadsheet writes it. Without `digest` the difference is only shown."""

    table: Annotated[
        str,
        msgspec.Meta(
            max_length=LONGEST_TABLE,
            description="CSV with a head, separated by commas, semicolons or tabs. An empty cell leaves what is known.",
        ),
    ]
    digest: Annotated[str, msgspec.Meta(description="The difference that was shown: exactly it is carried out.")] = ""


class CustomerDifference(msgspec.Struct, frozen=True):
    """What the table changes, what it says in vain, and whether it was carried out."""

    changes: list[str]
    notes: list[str]
    digest: str
    done: bool


@post(
    "/organisations/{organisation:str}/merge", operation_id="mergeOrganisations",
    summary="Merge two records of one organisation", guards=[ADMINISTER], status_code=200,
)  # fmt: skip
async def merge(request: AnyRequest, organisation: FromPath[str], data: JSONBody[Merge]) -> OrganisationView:
    """The organisation of the address stays, with contracts, people, domains and open tickets of `other`.

    Closed tickets keep theirs. The name and the id of `other` lead here from now on, wherever one is named.
    """
    into, other = number_of(organisation), number_of(data.other)
    await merge_organisations(into, other, by=await actor_of(request), at=clock.now())
    return OrganisationView(**await one(directory.organisations, organisation))


@post(
    "/imports/customers", operation_id="importCustomers", summary="Organisations, contracts and people from a table",
    guards=[ADMINISTER], status_code=200,
)  # fmt: skip
async def import_customers(request: AnyRequest, data: JSONBody[CustomerTable]) -> CustomerDifference:
    """Send it once to see the difference, and again with its `digest` to carry it out; 409 when it would be another."""
    if not data.digest:
        found = await customer_import.preview(data.table, at=clock.now())
    else:
        found = await customer_import.accept(data.table, data.digest, by=await actor_of(request), at=clock.now())
    return CustomerDifference(
        _said(request, found.differences), _said(request, found.notes), found.digest, done=bool(data.digest)
    )


def _said(request: AnyRequest, differences: tuple[Difference, ...]) -> list[str]:
    return [translate(language_of(request), one.sentence, **one.params) for one in differences]


ROUTER = Router("/", route_handlers=[merge, import_customers], tags=["Directory"])
