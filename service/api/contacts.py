"""People of customers over HTTP, beyond their record: invitation, account, merging, erasure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from service import clock, customers, directory, erasure
from service.api.requests import AnyRequest
from service.auth import ADMINISTRATORS, READERS, actor_of, requires
from service.contacts import merge_contacts
from service.directory_edits import number_of, one
from service.schemas import ContactRecord, Incoming
from workflow.definition import STAFF
from workflow.errors import NotFound

READ = requires(*READERS, scope="directory:read")
WRITE = requires(*STAFF, scope="directory:write")
ERASE = requires(*ADMINISTRATORS, scope="directory:write")

Sight = Annotated[
    Literal["own", "organisation"],
    msgspec.Meta(description="Which tickets the person sees in the cabinet: their own, or all of the organisation."),
]


class Merge(Incoming, frozen=True, kw_only=True):
    """The other record of the same person, or of the same organisation."""

    other: Annotated[str, msgspec.Meta(description="Id of the record that goes.", examples=["17"])]


class Invitation(Incoming, frozen=True, kw_only=True):
    """What the account will see."""

    sees: Sight = "own"


class Invited(msgspec.Struct, frozen=True):
    """Where the letter goes; its link works once, for a week, and shows a password."""

    contact: str
    address: str
    sees: Sight


class InvitationView(msgspec.Struct, frozen=True):
    """An invitation that nobody has used, also one whose link has expired."""

    contact: str
    address: str
    sees: str
    sent_at: datetime
    expires_at: datetime


class AccountChange(Incoming, frozen=True, kw_only=True):
    """Who is blocked is signed out at once. What is not named stays."""

    sees: Sight | msgspec.UnsetType = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET


class AccountView(msgspec.Struct, frozen=True):
    """A person's account of the cabinet."""

    contact: str
    sees: str
    active: bool
    created_at: datetime
    signed_in_at: datetime | None


class ErasedView(msgspec.Struct, frozen=True):
    """How much was blanked: whole tickets, and messages in them and in the tickets of colleagues."""

    tickets: int
    messages: int


@get(
    "/contacts/{contact:str}/account", operation_id="getContactAccount", summary="A person's account of the cabinet",
    guards=[READ],
)  # fmt: skip
async def get_account(contact: FromPath[str]) -> AccountView:
    """404 for a person who has none."""
    return await _account(contact)


@patch(
    "/contacts/{contact:str}/account", operation_id="changeContactAccount", summary="Change what an account may do",
    guards=[WRITE],
)  # fmt: skip
async def change_account(request: AnyRequest, contact: FromPath[str], data: JSONBody[AccountChange]) -> AccountView:
    """What it sees, and whether it may sign in; rights that are taken away are gone at once."""
    before = await _account(contact)
    await customers.change_rights(
        number_of(contact), by=await actor_of(request), at=clock.now(),
        sees=before.sees if data.sees is msgspec.UNSET else data.sees,
        active=before.active if data.active is msgspec.UNSET else data.active,
    )  # fmt: skip
    return await _account(contact)


@post(
    "/contacts/{contact:str}/invite", operation_id="inviteContact", summary="Invite a person to the cabinet",
    guards=[WRITE], status_code=200,
)  # fmt: skip
async def invite(request: AnyRequest, contact: FromPath[str], data: JSONBody[Invitation]) -> Invited:
    """A letter with a link goes to the person's first address. A new invitation ends the one before."""
    address = await customers.invite(number_of(contact), sees=data.sees, by=await actor_of(request), at=clock.now())
    return Invited(contact, address, data.sees)


@get(
    "/contacts/{contact:str}/invitation", operation_id="getContactInvitation",
    summary="The invitation that waits for a person", guards=[READ],
)  # fmt: skip
async def get_invitation(contact: FromPath[str]) -> InvitationView:
    """404 where none waits: nobody invited, or the link was used."""
    found = await customers.pending_invitation(number_of(contact))
    if found is None:
        raise NotFound()
    return InvitationView(contact, found.address, found.sees, found.sent_at, found.expires_at)


@delete(
    "/contacts/{contact:str}/invitation", operation_id="takeInvitationBack", summary="Take an invitation back",
    guards=[WRITE],
)  # fmt: skip
async def take_back(request: AnyRequest, contact: FromPath[str]) -> None:
    """Its link gives nothing any more. 404 where none waits."""
    await customers.take_back(number_of(contact), by=await actor_of(request), at=clock.now())


@post(
    "/contacts/{contact:str}/merge", operation_id="mergeContacts", summary="Merge two records of one person",
    guards=[WRITE], status_code=200,
)  # fmt: skip
async def merge(request: AnyRequest, contact: FromPath[str], data: JSONBody[Merge]) -> ContactRecord:
    """The contact of the address stays, with the addresses and open tickets of `other`; closed tickets keep theirs."""
    await merge_contacts(number_of(contact), number_of(data.other), by=await actor_of(request), at=clock.now())
    return ContactRecord(**await one(directory.contacts, contact))


@post(
    "/contacts/{contact:str}/erase", operation_id="eraseContact", summary="Erase a person's data",
    guards=[ERASE], status_code=200,
)  # fmt: skip
async def erase(request: AnyRequest, contact: FromPath[str]) -> ErasedView:
    """Names, addresses, texts and files are blanked for good; numbers, times and journals stay, and `verify` holds.

    409 while open tickets or waiting mail still need the person.
    """
    erased = await erasure.erase(number_of(contact), by=await actor_of(request), at=clock.now())
    return ErasedView(erased.tickets, erased.messages)


async def _account(contact: str) -> AccountView:
    found = await customers.account_of(number_of(contact))
    return AccountView(contact, found.sees, found.active, found.created_at, found.signed_in_at)


ROUTER = Router(
    "/", tags=["Directory"],
    route_handlers=[get_account, change_account, invite, get_invitation, take_back, merge, erase],
)  # fmt: skip
