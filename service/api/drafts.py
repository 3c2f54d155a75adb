"""The draft of the regulation over HTTP: the one all owners edit together, until it is published or thrown away."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Router, delete, get, post, put
from litestar.params import JSONBody, QueryParameter

from service import clock, drafts
from service.api.regulations import read_document
from service.api.requests import AnyRequest
from service.auth import OWNERS, READERS, actor_of, requires
from service.drafts import Draft
from service.problems import language_of
from service.regulations import newest, obstacles
from service.schemas import Incoming, Obstacle, Published
from service.words import Language, translate
from workflow.errors import NotFound
from workflow.words import _

READ = requires(*READERS, scope="regulation:read")
EDIT = requires(*OWNERS, scope="regulation:write")
Revision = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class DraftView(msgspec.Struct, frozen=True, kw_only=True):
    """The document being edited. `revision` grows with each save; `based_on` is the version it will follow.

    It can be published when `problems` is empty and `based_on` is `newest`.
    """

    revision: int
    based_on: int
    newest: int
    author: str
    changed_at: datetime
    problems: list[Obstacle]
    document: dict[str, Any]


class BeginDraft(Incoming, frozen=True, kw_only=True):
    """`copy_of`: an older version to be brought back; the newest by default."""

    copy_of: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None


class SaveDraft(Incoming, frozen=True, kw_only=True):
    """The whole document as it shall be, and the revision it was made from."""

    revision: Revision
    document: dict[str, Any]


class DraftRevision(Incoming, frozen=True, kw_only=True):
    """The revision you looked at."""

    revision: Revision


class PublishDraft(Incoming, frozen=True, kw_only=True):
    """The revision you looked at; in force from `effective_at`, by default at once."""

    revision: Revision
    note: str = ""
    effective_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    open_tickets: Literal["keep", "from_now", "from_start"] = "keep"


@get("/", operation_id="getDraft", summary="The draft", guards=[READ])
async def get_draft(request: AnyRequest) -> DraftView:
    """The document with everything that keeps it from being published; 404 when nobody edits one."""
    return await _view(await _open(), language_of(request))


@post("/", operation_id="beginDraft", summary="Begin a draft", status_code=200, guards=[EDIT])
async def begin_draft(request: AnyRequest, data: JSONBody[BeginDraft]) -> DraftView:
    """The draft that is open; where there is none, a new one."""
    begun = await drafts.begin(by=await actor_of(request), at=clock.now(), copy_of=data.copy_of)
    return await _view(begun, language_of(request))


@put("/", operation_id="saveDraft", summary="Save the draft", guards=[EDIT])
async def save_draft(request: AnyRequest, data: JSONBody[SaveDraft]) -> DraftView:
    """409 when another person saved since; a document with problems is kept too, until it is published."""
    draft = await _open()
    document = read_document(data.document)
    seen = msgspec.structs.replace(draft, revision=data.revision)
    saved = await drafts.save(seen, document, by=await actor_of(request), at=clock.now())
    return await _view(saved, language_of(request))


@post("/rebase", operation_id="rebaseDraft", summary="Follow the newest version", status_code=200, guards=[EDIT])
async def rebase_draft(request: AnyRequest, data: JSONBody[DraftRevision]) -> DraftView:
    """After another version was published meanwhile: the draft stays as it is, and follows that one."""
    seen = msgspec.structs.replace(await _open(), revision=data.revision)
    rebased = await drafts.rebase(seen, by=await actor_of(request), at=clock.now())
    return await _view(rebased, language_of(request))


@post("/publish", operation_id="publishDraft", summary="Publish the draft", guards=[EDIT])
async def publish_draft(request: AnyRequest, data: JSONBody[PublishDraft]) -> Published:
    """It becomes the next version; 422 names everything that keeps it from it."""
    seen = msgspec.structs.replace(await _open(), revision=data.revision)
    made = await drafts.publish_draft(
        seen, by=await actor_of(request), at=clock.now(), effective_at=data.effective_at, note=data.note,
        open_tickets=data.open_tickets,
    )  # fmt: skip
    return Published(made)


@delete("/", operation_id="discardDraft", summary="Throw the draft away", guards=[EDIT])
async def discard_draft(
    request: AnyRequest,
    revision: Annotated[int, QueryParameter(ge=1, le=2**31 - 1, description="The revision you looked at.")],
) -> None:
    """409 when another person saved since."""
    seen = msgspec.structs.replace(await _open(), revision=revision)
    await drafts.discard(seen, by=await actor_of(request), at=clock.now())


async def _open() -> Draft:
    draft = await drafts.open_draft()
    if draft is None:
        raise NotFound(_("Nobody is editing a draft."))
    return draft


async def _view(draft: Draft, language: Language) -> DraftView:
    version, _document = await newest()
    return DraftView(
        revision=draft.revision,
        based_on=draft.based_on,
        newest=version,
        author=draft.author,
        changed_at=draft.changed_at,
        problems=[
            Obstacle(one.place, translate(language, one.sentence, **one.params)) for one in obstacles(draft.document)
        ],
        document=msgspec.to_builtins(draft.document),
    )


ROUTER = Router(
    "/regulation-draft",
    route_handlers=[get_draft, begin_draft, save_draft, rebase_draft, publish_draft, discard_draft],
    tags=["Regulation"],
)
