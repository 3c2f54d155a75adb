"""People of customers over HTTP, beyond their list: two records of one person become one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import post
from litestar.params import FromPath, JSONBody

from service import clock, directory
from service.api.requests import AnyRequest
from service.auth import actor_of, requires
from service.contacts import merge_contacts
from service.schemas import ContactRecord
from workflow.definition import STAFF
from workflow.errors import NotFound

WRITE = requires(*STAFF, scope="directory:write")


class Merge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The other record of the same person."""

    other: Annotated[str, msgspec.Meta(description="Id of the contact that goes.", examples=["17"])]


@post(
    "/contacts/{contact:str}/merge", operation_id="mergeContacts", summary="Merge two records of one person",
    guards=[WRITE], status_code=200,
)  # fmt: skip
async def merge(request: AnyRequest, contact: FromPath[str], data: JSONBody[Merge]) -> ContactRecord:
    """The contact of the address stays, with the addresses and open tickets of `other`; closed tickets keep theirs."""
    into, other = _id(contact), _id(data.other)
    await merge_contacts(into, other, by=await actor_of(request), at=clock.now())
    row = (await directory.contacts(limit=1, after=into - 1))[0]
    return ContactRecord(**row | {"id": str(into)})


def _id(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        raise NotFound()
    return int(value)
