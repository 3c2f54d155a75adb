"""The reader of a page of the cabinet: a customer, who is nobody on the desk."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from admin.pages import Reading
from admin.reader import reading
from admin.reading import AnyRequest, language_of
from service.customer_doors import cabinet_token, customer_of, customers_only
from workflow.definition import Role

CABINET: Final = customers_only()


async def cabinet_reading(request: AnyRequest) -> Reading:
    """Everything a page needs to know of its reader; a stranger's where nobody has signed in."""
    known = await reading(request)
    session = await customer_of(request)
    if session is None:
        return replace(known, name="", role=None, language=language_of(request))
    return replace(
        known,
        name=session.actor.name,
        role=Role.CUSTOMER,
        language=language_of(request, otherwise=session.actor.language),
        csrf_token=cabinet_token(request, session),
    )
