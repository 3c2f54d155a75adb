"""The regulation over HTTP: its versions, the one in force, checking and publishing the next."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Router, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from service import clock, regulations
from service.api.requests import DEFAULT, AnyRequest, Cursor, Limit
from service.auth import OWNERS, READERS, actor_of, requires
from service.differences import tell
from service.paging import cursor_of, cut, place_of
from service.problems import language_of
from service.regulations import RULEBOOKS, all_obstacles, in_force
from service.schemas import (
    BothLanguages,
    CannedAnswerPage,
    CannedAnswerView,
    Change,
    CheckRequest,
    CheckResult,
    Obstacle,
    Published,
    PublishRequest,
    RegulationDiff,
    RegulationDocument,
    RegulationPage,
    RegulationVersion,
)
from service.whole_numbers import INTEGER, whole_number
from service.words import translate
from service.wrong_shapes import Misshapen
from workflow.diff import differences
from workflow.errors import NotFound
from workflow.regulation import Regulation, Rulebook, Text
from workflow.words import _

READ = requires(*READERS, scope="regulation:read")
PUBLISH = requires(*OWNERS, scope="regulation:write")
VERSION = msgspec.json.Decoder(tuple[int])


@get("/regulations", operation_id="listRegulations", summary="All versions", guards=[READ])
async def list_regulations(limit: Limit = DEFAULT, cursor: Cursor = None) -> RegulationPage:
    """Every published version, the newest first, without the documents."""
    place = place_of(cursor, VERSION)
    known = [RegulationVersion(**row) for row in await regulations.versions()]
    page, more = cut([one for one in known if place is None or one.version < place[0]], limit)
    return RegulationPage(page, cursor_of(page[-1].version) if more else None)


@get("/regulations/current", operation_id="getCurrentRegulation", summary="The version in force", guards=[READ])
async def current_regulation() -> RegulationDocument:
    """The document that new tickets obey now."""
    return _document(await in_force(at=clock.now()))


@get("/regulations/{version:str}", operation_id="getRegulation", summary="One version", guards=[READ])
async def get_regulation(version: FromPath[str]) -> RegulationDocument:
    """A version never changes after it was published."""
    return _document(await _known(version))


@get("/regulations/{version:str}/diff", operation_id="diffRegulation", summary="What a version changed", guards=[READ])
async def diff_regulation(
    request: AnyRequest,
    version: FromPath[str],
    base: Annotated[str, QueryParameter(description="The version to compare with; the one before by default.")] = "",
) -> RegulationDiff:
    """Every change as a sentence, in the order of the document and in the language you accept."""
    new = await _known(version)
    old = await _known(base or str(max(1, new.version - 1)))
    language = language_of(request)
    changes = [Change(one.place, tell(language, one)) for one in differences(old.regulation, new.regulation)]
    return RegulationDiff(version=new.version, base=old.version, changes=changes)


@post("/regulations/{version:str}/check", operation_id="checkRegulation", summary="Check a draft", status_code=200,
      guards=[PUBLISH])  # fmt: skip
async def check_regulation(request: AnyRequest, version: FromPath[str], data: JSONBody[CheckRequest]) -> CheckResult:
    """Everything that keeps the posted document from being published, its worked examples included."""
    await _known(version)
    language = language_of(request)
    found = await all_obstacles(read_document(data.document))
    return CheckResult(
        publishable=not found,
        problems=[Obstacle(one.place, translate(language, one.sentence, **one.params)) for one in found],
    )


@post("/regulations/{version:str}/publish", operation_id="publishRegulation", summary="Publish a draft",
      guards=[PUBLISH])  # fmt: skip
async def publish_regulation(request: AnyRequest, version: FromPath[str], data: JSONBody[PublishRequest]) -> Published:
    """The posted document becomes the next version, if the one in the address is still the newest."""
    based_on = await _known(version)
    made = await regulations.publish(
        read_document(data.document), based_on=based_on.version, by=await actor_of(request), at=clock.now(),
        effective_at=data.effective_at, note=data.note, open_tickets=data.open_tickets,
    )  # fmt: skip
    return Published(made)


@get("/canned-answers", operation_id="listCannedAnswers", summary="Standard answers", guards=[READ])
async def list_canned_answers() -> CannedAnswerPage:
    """The standard answers of the regulation in force (clause 7.8)."""
    answers = (await in_force(at=clock.now())).regulation.canned_answers
    items = [CannedAnswerView(one.code, _both(one.title), _both(one.text), one.product) for one in answers]
    return CannedAnswerPage(items, None)


def _both(words: Text) -> BothLanguages:
    return BothLanguages(ru=words.ru, en=words.en)


async def _known(version: str) -> Rulebook:
    number = whole_number(version, most=INTEGER)
    if number is None:
        raise NotFound()
    try:
        return await RULEBOOKS.know(number)
    except KeyError:
        raise NotFound(_("There is no version {version}."), version=version) from None


def _document(rules: Rulebook) -> RegulationDocument:
    return RegulationDocument(rules.version, msgspec.to_builtins(rules.regulation))


def read_document(document: dict[str, Any]) -> Regulation:
    """The document as the types of a regulation. Raises Misshapen."""
    try:
        return msgspec.convert(document, Regulation)
    except msgspec.ValidationError:
        raise Misshapen("document", Regulation, document) from None


ROUTER = Router(
    "/",
    route_handlers=[
        list_regulations, current_regulation, get_regulation, diff_regulation, check_regulation, publish_regulation,
        list_canned_answers,
    ],
    tags=["Regulation"],
)  # fmt: skip
