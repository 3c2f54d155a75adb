"""One organisation, contact, contract, account or token over HTTP: looked at and changed."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Router, get, patch
from litestar.params import FromPath, JSONBody

from service import clock, directory
from service import directory_edits as edits
from service import tokens as keys
from service.api.directory import GIVE_RIGHTS, READ, SIGN_CONTRACTS, WRITE
from service.api.requests import AnyRequest
from service.auth import actor_of
from service.directory_edits import one
from service.schemas import (
    ContactChange,
    ContactRecord,
    ContractChange,
    ContractView,
    OrganisationChange,
    OrganisationView,
    TokenView,
    UserChange,
    UserView,
)


@get("/organisations/{organisation:str}", operation_id="getOrganisation", summary="One organisation", guards=[READ])
async def get_organisation(organisation: FromPath[str]) -> OrganisationView:
    return OrganisationView(**await one(directory.organisations, organisation))


@patch("/organisations/{organisation:str}", operation_id="changeOrganisation", summary="Change an organisation",
       guards=[WRITE])  # fmt: skip
async def change_organisation(
    request: AnyRequest, organisation: FromPath[str], data: JSONBody[OrganisationChange]
) -> OrganisationView:
    """What is not named stays. Tickets keep the name their request was registered under."""
    await edits.change_organisation(organisation, _given(data), by=await actor_of(request), at=clock.now())
    return OrganisationView(**await one(directory.organisations, organisation))


@get("/contacts/{contact:str}", operation_id="getContact", summary="One contact", guards=[READ])
async def get_contact(contact: FromPath[str]) -> ContactRecord:
    return ContactRecord(**await one(directory.contacts, contact))


@patch("/contacts/{contact:str}", operation_id="changeContact", summary="Change a contact", guards=[WRITE])
async def change_contact(request: AnyRequest, contact: FromPath[str], data: JSONBody[ContactChange]) -> ContactRecord:
    """What is not named stays."""
    await edits.change_contact(contact, _given(data), by=await actor_of(request), at=clock.now())
    return ContactRecord(**await one(directory.contacts, contact))


@get("/contracts/{contract:str}", operation_id="getContract", summary="One contract", guards=[READ])
async def get_contract(contract: FromPath[str]) -> ContractView:
    return ContractView(**await one(directory.contracts, contract))


@patch("/contracts/{contract:str}", operation_id="changeContract", summary="Change a contract",
       guards=[SIGN_CONTRACTS])  # fmt: skip
async def change_contract(request: AnyRequest, contract: FromPath[str], data: JSONBody[ContractChange]) -> ContractView:
    """What is not named stays. Tickets keep what the contract said when they came."""
    await edits.change_contract(contract, _given(data), by=await actor_of(request), at=clock.now())
    return ContractView(**await one(directory.contracts, contract))


@get("/users/{user:str}", operation_id="getUser", summary="One account", guards=[READ])
async def get_user(user: FromPath[str]) -> UserView:
    return UserView(**await edits.account(user))


@patch("/users/{user:str}", operation_id="changeUser", summary="Change an account", guards=[GIVE_RIGHTS])
async def change_user(request: AnyRequest, user: FromPath[str], data: JSONBody[UserChange]) -> UserView:
    """Name, language, role, or whether it may sign in; rights that are taken away are gone at once."""
    await edits.change_user(user, _given(data), by=await actor_of(request), at=clock.now())
    return UserView(**await edits.account(user))


@get("/tokens/{token:str}", operation_id="getToken", summary="One token", guards=[GIVE_RIGHTS])
async def get_token(token: FromPath[str]) -> TokenView:
    """Its name, rights and last use; the token itself is not known any more."""
    return TokenView(**await one(keys.tokens, token))


def _given(data: msgspec.Struct) -> dict[str, Any]:
    """The fields that were named."""
    return {name: value for name, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET}


ROUTER = Router(
    "/",
    route_handlers=[
        get_organisation, change_organisation, get_contact, change_contact, get_contract, change_contract, get_user,
        change_user, get_token,
    ],
    tags=["Directory"],
)  # fmt: skip
