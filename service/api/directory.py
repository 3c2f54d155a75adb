"""Organisations, contacts, contracts, users and tokens over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from service import clock, directory
from service import tokens as keys
from service.accounts import add_user, user_id, users
from service.api.requests import DEFAULT, AnyRequest, Cursor, Limit
from service.auth import ADMINISTRATORS, READERS, actor_of, requires, wall_clock
from service.paging import cursor_of, cut, place_of
from service.schemas import (
    ContactPage,
    ContactRecord,
    ContractPage,
    ContractView,
    NewContact,
    NewContract,
    NewOrganisation,
    NewToken,
    NewUser,
    OrganisationPage,
    OrganisationView,
    TokenPage,
    TokenShown,
    TokenView,
    UserPage,
    UserView,
    UserWithPassword,
)
from service.whole_numbers import whole_number
from workflow.definition import STAFF, Role
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.words import _

READ = requires(*READERS, scope="directory:read")
WRITE = requires(*STAFF, scope="directory:write")
SIGN_CONTRACTS = requires(Role.SUPERVISOR, Role.ADMINISTRATOR, scope="directory:write")
GIVE_RIGHTS = requires(*ADMINISTRATORS, scope="tokens:manage")
ID = msgspec.json.Decoder(tuple[int])
OfOrganisation = Annotated[
    str | None, QueryParameter(name="organisation", description="Only its people: an id, a name, or `none`.")
]
AccountRole = Literal["operator", "supervisor", "process_owner", "administrator"]
Q = Annotated[str, QueryParameter(name="q", description="Words that it holds.")]
Organisation = Annotated[str, QueryParameter(name="organisation", description="Id or name.")]


async def _page(
    read: Callable[..., Awaitable[list[dict[str, Any]]]], limit: int, cursor: str | None, **wanted: Any
) -> tuple[Sequence[dict[str, Any]], str | None]:
    """A page in the order of ids of what is wanted; ids go out as texts."""
    place = place_of(cursor, ID)
    rows, more = cut(await read(limit=limit + 1, after=_fitting(place[0]) if place else 0, **wanted), limit)
    return [row | {"id": str(row["id"])} for row in rows], cursor_of(rows[-1]["id"]) if more else None


async def _place(organisation: str | None) -> int | None:
    """The organisation that is asked for: None for any, 0 for none at all. Raises WrongFields."""
    if organisation is None:
        return None
    return 0 if organisation == "none" else await directory.organisation_id(organisation)


def _fitting(id: int) -> int:
    return max(0, min(id, 2**63 - 1))


@get("/organisations", operation_id="listOrganisations", summary="Organisations", guards=[READ])
async def list_organisations(
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    q: Q = "",
    domain: Annotated[str, QueryParameter(description="A mail domain of theirs: `romashka.example.org`.")] = "",
) -> OrganisationPage:
    """In the order they were added; `q` is looked for in name and mail domains."""
    rows, onward = await _page(directory.organisations, limit, cursor, q=q, domain=domain)
    return OrganisationPage([OrganisationView(**row) for row in rows], onward)


@post("/organisations", operation_id="createOrganisation", summary="Add an organisation", guards=[WRITE])
async def create_organisation(request: AnyRequest, data: JSONBody[NewOrganisation]) -> OrganisationView:
    row = await directory.add_organisation(data.name, domains=data.domains, by=await actor_of(request), at=clock.now())
    return OrganisationView(**row | {"id": str(row["id"])})


@get("/contacts", operation_id="listContacts", summary="Contacts", guards=[READ])
async def list_contacts(
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    q: Q = "",
    organisation: OfOrganisation = None,
    email: Annotated[str, QueryParameter(description="A whole mail address.")] = "",
) -> ContactPage:
    """In the order they were added; `q` is looked for in name, organisation, addresses and phone.

    `organisation=none` lists those whom somebody has to join to one.
    """
    place = await _place(organisation)
    rows, onward = await _page(directory.contacts, limit, cursor, q=q, organisation=place, email=email)
    return ContactPage([ContactRecord(**row) for row in rows], onward)


@post("/contacts", operation_id="createContact", summary="Add a contact", guards=[WRITE])
async def create_contact(request: AnyRequest, data: JSONBody[NewContact]) -> ContactRecord:
    id = await directory.add_contact(
        data.full_name, addresses=data.addresses, organisation=data.organisation, position=data.position,
        phone=data.phone, language=data.language, by=await actor_of(request), at=clock.now(),
    )  # fmt: skip
    row = (await directory.contacts(limit=1, after=id - 1))[0]
    return ContactRecord(**row | {"id": str(id)})


@get("/contracts", operation_id="listContracts", summary="Contracts", guards=[READ])
async def list_contracts(
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    q: Q = "",
    organisation: Organisation = "",
    on: Annotated[date | None, QueryParameter(description="A day on which it is in force.")] = None,
) -> ContractPage:
    """In the order they were added; `q` is looked for in number and products."""
    rows, onward = await _page(directory.contracts, limit, cursor, q=q, organisation=organisation, on=on)
    return ContractPage([ContractView(**row) for row in rows], onward)


@post("/contracts", operation_id="createContract", summary="Add a contract", guards=[SIGN_CONTRACTS])
async def create_contract(request: AnyRequest, data: JSONBody[NewContract]) -> ContractView:
    id = await directory.add_contract(
        data.organisation, number=data.number, products=data.products, service_level=data.service_level,
        starts_on=data.starts_on, ends_on=data.ends_on, by=await actor_of(request), at=clock.now(),
    )  # fmt: skip
    row = (await directory.contracts(limit=1, after=id - 1))[0]
    return ContractView(**row | {"id": str(id)})


@get("/users", operation_id="listUsers", summary="Accounts of the centre", guards=[READ])
async def list_users(
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    q: Q = "",
    role: Annotated[AccountRole | None, QueryParameter(description="Only this role.")] = None,
    active: Annotated[bool | None, QueryParameter(description="Whether it may sign in.")] = None,
) -> UserPage:
    """In the order they were added; `q` is looked for in name and address."""
    rows, onward = await _page(users, limit, cursor, q=q, role=role or "", active=active)
    return UserPage([UserView(**row) for row in rows], onward)


@post("/users", operation_id="createUser", summary="Add an account", guards=[GIVE_RIGHTS])
async def create_user(request: AnyRequest, data: JSONBody[NewUser]) -> UserWithPassword:
    """The generated password is shown now and never again."""
    password = await add_user(
        data.email, name=data.name, role=Role(data.role), language=data.language, at=clock.now(),
        by=await actor_of(request),
    )  # fmt: skip
    return UserWithPassword(str(await user_id(data.email)), data.email.strip().lower(), password)


@get("/tokens", operation_id="listTokens", summary="Keys of programs", guards=[GIVE_RIGHTS])
async def list_tokens(
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    q: Q = "",
    revoked: Annotated[bool | None, QueryParameter(description="Whether it is worth nothing any more.")] = None,
) -> TokenPage:
    """Their names, rights and last use; the tokens themselves are not known any more."""
    rows, onward = await _page(keys.tokens, limit, cursor, q=q, revoked=revoked)
    return TokenPage([TokenView(**row) for row in rows], onward)


@post("/tokens", operation_id="createToken", summary="Make a token", guards=[GIVE_RIGHTS])
async def create_token(request: AnyRequest, data: JSONBody[NewToken]) -> TokenShown:
    """It is shown now and never again, and expires only when asked to."""
    user = await user_id(data.user) if data.user else None
    if data.user and user is None:
        raise WrongFields([FieldError("user", _("No active colleague is called “{value}”."), {"value": data.user})])
    token = await keys.add_token(
        data.name, role=Role(data.role), scopes=data.scopes or (), user=user, expires_at=data.expires_at,
        at=wall_clock(), by=await actor_of(request),
    )  # fmt: skip
    return TokenShown(str(await keys.token_id(token)), " ".join(data.name.split()), token)


@delete("/tokens/{token:str}", operation_id="revokeToken", summary="Revoke a token", guards=[GIVE_RIGHTS])
async def revoke_token(request: AnyRequest, token: FromPath[str]) -> None:
    """It is worth nothing from now on."""
    number = whole_number(token)
    if number is None:
        raise NotFound()
    await keys.revoke(number, by=await actor_of(request), at=wall_clock())


ROUTER = Router(
    "/",
    route_handlers=[
        list_organisations, create_organisation, list_contacts, create_contact,
        list_contracts, create_contract, list_users, create_user, list_tokens, create_token, revoke_token,
    ],
    tags=["Directory"],
)  # fmt: skip
