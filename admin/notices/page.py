"""The page behind the bell: what one was told, the newest first; reading it, one by one or all at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.desk.rights import DESK
from admin.language import own_page
from admin.pages import Reading, render, url
from admin.reader import flash, reading
from admin.reading import AnyRequest
from service import notices
from service.actors import CLOCK
from service.acts_in_words import ActTeller
from service.auth import actor_of, wall_clock
from service.notices import Notice
from service.regulations import RULEBOOKS
from service.whole_numbers import whole_number
from service.words import ngettext, translate
from workflow.errors import NotFound
from workflow.words import _

HERE: Final = "/notices"
PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeShown:
    """One line: where it leads, what was done by whom, and why it is told."""

    id: int
    href: str
    called: str
    subject: str
    what: str
    who: str
    facts: tuple[str, ...]
    why: str
    tone: str
    at: datetime
    unread: bool


@get(HERE, guards=[DESK])
async def notices_page(request: AnyRequest) -> Response[str]:
    """What is unread, or with `?all=1` everything that is kept."""
    reader, user = await reading(request), await _user(request)
    everything = request.query_params.get("all") == "1"
    cursor = request.query_params.get("cursor")
    found, onward = await notices.notices(user, limit=PAGE, unread=not everything, cursor=cursor)
    all_of_them = "1" if everything else ""
    return render(
        "notices/list.html",
        reader,
        notices=[await _shown(one, reader) for one in found],
        newest=max((one.id for one in found), default=0),
        tabs=[
            (translate(reader.language, _("Not read")), HERE, not everything, None),
            (translate(reader.language, _("All")), url(HERE, all="1"), everything, None),
        ],
        everything=everything,
        next_href=url(HERE, all=all_of_them, cursor=onward) if onward else "",
        first_href=url(HERE, all=all_of_them) if cursor else "",
    )


@post("/notices/read", guards=[DESK], status_code=303)
async def read_all(request: AnyRequest) -> Redirect:
    """Everything that stood on the page, and all before it, is read; what came meanwhile stays."""
    form = await request.form()
    reader, user = await reading(request), await _user(request)
    until = whole_number(str(form.get("until", "")))
    read = 0 if until is None else await notices.mark_read(user, at=wall_clock(), until=until)
    flash(request, ngettext(reader.language, "{n} notice is read.", "{n} notices are read.", read))
    return Redirect(own_page(str(form.get("back", HERE))), status_code=303)


@post("/notices/{id:int}/read", guards=[DESK], status_code=303)
async def read_one(request: AnyRequest, id: FromPath[int]) -> Redirect:
    """One notice is read; with `again=1` it is unread again."""
    form, user = await request.form(), await _user(request)
    await notices.mark_one(user, id, read=form.get("again") != "1", at=wall_clock())
    return Redirect(own_page(str(form.get("back", HERE))), status_code=303)


async def _user(request: AnyRequest) -> int:
    """The account behind the request. Raises NotFound."""
    user = (await actor_of(request)).user
    if not user:
        raise NotFound()
    return int(user)


TONES: Final = {notices.DEADLINE: "warning", notices.CUSTOMER: "note"}


async def _shown(notice: Notice, reader: Reading) -> NoticeShown:
    if notice.ticket is None:
        return _held(notice, reader)
    teller = ActTeller(await RULEBOOKS.know(notice.regulation_version), reader.language, people={})
    data = {name: value for name, value in _data(notice).items() if name != "assignee"}
    state = teller.state(notice.from_state, notice.to_state)
    what = teller.act(notice.trigger)
    return NoticeShown(
        id=notice.id,
        href=f"/desk/tickets/{notice.ticket}#e-{notice.seq}",
        called=notice.number or translate(reader.language, _("no number")),
        subject=notice.subject,
        what=f"{what} → {state}" if state else what,
        who="" if notice.actor_kind == CLOCK.kind else notice.actor_name,
        facts=tuple(teller.facts(data)),
        why=translate(reader.language, notices.BY_CODE[notice.kind].why),
        tone="late" if "result" in data else TONES.get(notice.kind, "done"),  # a breach freezes a result
        at=notice.at,
        unread=notice.read_at is None,
    )


def _held(notice: Notice, reader: Reading) -> NoticeShown:
    return NoticeShown(
        id=notice.id,
        href=f"/desk/held/{notice.mail}",
        called=translate(reader.language, _("Held mail")),
        subject=translate(reader.language, _("It has waited longer than registration may take.")),
        what="",
        who="",
        facts=(),
        why=translate(reader.language, notices.BY_CODE[notice.kind].why),
        tone="late",
        at=notice.at,
        unread=notice.read_at is None,
    )


def _data(notice: Notice) -> dict[str, object]:
    told: dict[str, object] = msgspec.json.decode(notice.body)["data"]
    return told
