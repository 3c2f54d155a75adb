"""The regulation in its owners' hands: in force, draft, publishing, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from admin.page_router import page_router
from admin.pages import Reading, render
from admin.reader import flash, reading
from admin.reading import AnyRequest
from admin.regulation.clauses import chapters
from admin.regulation.differences import Said, said_differences
from admin.regulation.form import Errors, field_of, filled, targets_of, values_of, with_priority, without_priority
from admin.regulation.in_words import COUNTS_FROM, ON_DISPUTE, ON_PRIORITY_CHANGE, UNITS, effects, said_target
from admin.regulation.step_rows import WHEN, WHO, name, rows_of
from service import drafts
from service.auth import OWNERS, READERS, actor_of, requires
from service.drafts import Draft
from service.problems import told
from service.regulations import NotPublishable, SomebodyWasFaster, in_force, newest, obstacles, versions
from service.words import Language, day, translate
from workflow.calendar import CalendarError, parse_instant
from workflow.examples import answer
from workflow.regulation import Example, Problem, Regulation, Rulebook
from workflow.words import _

LOOK: Final = requires(*READERS, scope="regulation:read")
CHANGE: Final = requires(*OWNERS, scope="regulation:write")

SAVED: Final = _("The draft is saved. Nobody has to obey it until it is published.")
NO_DRAFT: Final = _("There is no draft any more: it was published or discarded meanwhile.")


# --- in force ---------------------------------------------------------------------------------------------------------


@get("/regulation", guards=[LOOK])
async def regulation_in_force(request: AnyRequest) -> Response[str]:
    """The version in force as a text, and the way to change it."""
    reader = await reading(request)
    rules = await in_force(at=reader.at)
    published = await versions()
    return render(
        "regulation/in_force.html",
        reader,
        **await _around(reader, "in_force"),
        chapters=chapters(rules.regulation, reader.language),
        version=next(one for one in published if one["version"] == rules.version),
        coming=[one for one in published if one["version"] > rules.version],
    )


async def _around(reader: Reading, here: str) -> dict[str, Any]:
    """What stands at the top of each of these pages."""
    draft = await drafts.open_draft()
    return {
        "may_change": reader.role in OWNERS,
        "draft": draft,
        "tabs": [
            (translate(reader.language, _("In force")), "/regulation", here == "in_force", None),
            (translate(reader.language, _("Draft")), "/regulation/draft", here == "draft", None),
            (translate(reader.language, _("History")), "/regulation/history", here == "history", None),
        ],
    }


# --- draft ------------------------------------------------------------------------------------------------------------


@post("/regulation/draft/begin", guards=[CHANGE], status_code=303)
async def begin_draft(request: AnyRequest) -> Redirect:
    """Open the draft all owners share."""
    reader = await reading(request)
    await drafts.begin(by=await actor_of(request), at=reader.at)
    return Redirect("/regulation/draft", status_code=303)


@get("/regulation/draft", guards=[LOOK])
async def draft_page(request: AnyRequest) -> Response[str]:
    """The draft: a form for owners, the differences for everybody who may look."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return render("regulation/no_draft.html", reader, **await _around(reader, "draft"))
    return await _draft_page(reader, draft, values_of(draft.document), {})


@post("/regulation/draft", guards=[CHANGE], status_code=303)
async def save_draft(request: AnyRequest) -> Response[Any]:
    """Save the form; what is nonsense is refused next to its field, and what was typed stays."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return _lost(request, reader)
    form = {name: str(value) for name, value in (await request.form()).items()}
    was_revision, form_of = form.get("revision", ""), filled(draft.document, form)
    if was_revision != str(draft.revision):
        return await _overtaken(reader, draft, form)
    if form_of.document is None:
        return await _draft_page(reader, draft, values_of(draft.document) | form, form_of.errors)
    journaled = tuple(one.sentence for one in said_differences(draft.document, form_of.document, "en"))
    try:
        await drafts.save(draft, form_of.document, by=await actor_of(request), at=reader.at, changes=journaled)
    except SomebodyWasFaster:
        return await _overtaken(reader, await drafts.open_draft() or draft, form)
    flash(request, translate(reader.language, SAVED))
    return Redirect("/regulation/draft", status_code=303)


@post("/regulation/draft/priorities", guards=[CHANGE], status_code=303)
async def add_priority(request: AnyRequest) -> Response[Any]:
    """One priority more in the draft."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return _lost(request, reader)
    code = str((await request.form()).get("code", ""))
    grown = with_priority(draft.document, code)
    if grown.document is None:
        return await _draft_page(reader, draft, values_of(draft.document) | {"code": code}, grown.errors)
    return await _keep(request, reader, draft, grown.document)


@post("/regulation/draft/priorities/{code:str}/remove", guards=[CHANGE], status_code=303)
async def remove_priority(request: AnyRequest, code: FromPath[str]) -> Response[Any]:
    """Take a priority out of the draft again; one that was ever published is only retired."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return _lost(request, reader)
    if code in {one.code for one in (await newest())[1].priorities}:
        said = _("{code} was published: tickets may have it. Retire it instead.")
        flash(request, translate(reader.language, said, code=code), "refused")
        return Redirect("/regulation/draft", status_code=303)
    return await _keep(request, reader, draft, without_priority(draft.document, code))


async def _keep(request: AnyRequest, reader: Reading, draft: Draft, document: Regulation) -> Redirect:
    """Save what a button changed."""
    journaled = tuple(one.sentence for one in said_differences(draft.document, document, "en"))
    try:
        await drafts.save(draft, document, by=await actor_of(request), at=reader.at, changes=journaled)
    except SomebodyWasFaster as refusal:
        flash(request, told(refusal, reader.language), "refused")
    else:
        flash(request, translate(reader.language, SAVED))
    return Redirect("/regulation/draft", status_code=303)


@post("/regulation/draft/discard", guards=[CHANGE], status_code=303)
async def discard_draft(request: AnyRequest) -> Redirect:
    """Throw the draft away."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is not None:
        await drafts.discard(draft, by=await actor_of(request), at=reader.at)
    flash(request, translate(reader.language, _("The draft is discarded. The regulation in force is unchanged.")))
    return Redirect("/regulation", status_code=303)


@post("/regulation/draft/rebase", guards=[CHANGE], status_code=303)
async def rebase_draft(request: AnyRequest) -> Redirect:
    """Go on from the version that was published meanwhile."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return _lost(request, reader)
    await drafts.rebase(draft, by=await actor_of(request), at=reader.at)
    flash(request, translate(reader.language, _("The draft now follows the newest version. Look at the differences.")))
    return Redirect("/regulation/draft", status_code=303)


def _lost(request: AnyRequest, reader: Reading) -> Redirect:
    flash(request, translate(reader.language, NO_DRAFT), "refused")
    return Redirect("/regulation/draft", status_code=303)


async def _overtaken(reader: Reading, draft: Draft, form: Mapping[str, str]) -> Response[str]:
    """Somebody saved meanwhile: their draft is the one to go on from, and what was typed here stays in the form."""
    refusal = told(SomebodyWasFaster(who=draft.author), reader.language)
    return await _draft_page(reader, draft, values_of(draft.document) | dict(form), {}, refusal=refusal, status=412)


async def _draft_page(
    reader: Reading, draft: Draft, values: Mapping[str, str], errors: Errors, *, refusal: str = "", status: int = 0
) -> Response[str]:
    language = reader.language
    version, document = await newest()
    found = obstacles(draft.document)
    beside = {field_of(problem, draft.document): _problem(problem, language) for problem in found}
    beside |= {field: translate(language, sentence, **params) for field, (sentence, params) in errors.items()}
    return render(
        "regulation/draft.html",
        reader,
        status_code=status or (422 if errors else 200),
        **await _around(reader, "draft") | {"draft": draft},
        values=values,
        errors=beside,
        refused=len(errors),
        refusal=refusal,
        effects=effects(draft.document, language, at=reader.at),
        before=values_of(document),
        before_targets={name: said_target(target, language) for name, target in targets_of(document)},
        changes=said_differences(document, draft.document, language),
        checks=_checks(found, language),
        examples=_examples(draft.document, language),
        newest=version,
        document=draft.document,
        published={one.code for one in document.priorities},
        steps={
            owner: [name(owner, row) for row in rows_of(owner, values)]
            for owner in ("registration", *(one.code for one in draft.document.priorities))
        },
        codes=[(one.code, one.code) for one in draft.document.priorities if not one.retired],
        step_when=[(code, translate(language, said)) for code, said in WHEN.items()],
        step_who=[(code, translate(language, said)) for code, said in WHO.items()],
        units=[(code, translate(language, label)) for code, (label, _kind, _size) in UNITS.items()],
        choices={
            name: [(code, translate(language, said)) for code, said in options.items()]
            for name, options in (
                ("counts_from", COUNTS_FROM),
                ("on_priority_change", ON_PRIORITY_CHANGE),
                ("on_dispute", ON_DISPUTE),
            )
        },
    )


def _problem(problem: Problem, language: Language) -> str:
    return translate(language, problem.sentence, **problem.params)


def _checks(found: Sequence[Problem], language: Language) -> list[str]:
    """What does not fit, but for the examples: each of them says for itself whether it holds."""
    return [_problem(problem, language) for problem in found if not problem.place.startswith("examples")]


@dataclass(frozen=True, slots=True)
class Worked:
    """An example as the rules answer it: `given` is empty where it cannot be computed."""

    example: Example
    start: str
    due: str
    given: str
    right: bool


def _examples(document: Regulation, language: Language) -> list[Worked]:
    return [_worked(Rulebook(0, document), example) for example in document.examples]


def _worked(rules: Rulebook, example: Example) -> Worked:
    zone = rules.calendar.zone
    try:
        expected, given = parse_instant(example.due), answer(rules, example)
    except (CalendarError, KeyError):
        return Worked(example, example.start, example.due, "", False)
    start, due, found = (
        f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (parse_instant(example.start), expected, given)
    )
    return Worked(example, start, due, found, right=expected == given)


# --- publishing -------------------------------------------------------------------------------------------------------


@get("/regulation/draft/publish", guards=[CHANGE])
async def publish_page(request: AnyRequest) -> Response[Any]:
    """What publishing will change, and from when."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    return _lost(request, reader) if draft is None else await _publish_page(reader, draft, {}, {})


@post("/regulation/draft/publish", guards=[CHANGE], status_code=303)
async def publish_draft(request: AnyRequest) -> Response[Any]:
    """Make the draft the next version."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return _lost(request, reader)
    form = {name: str(value) for name, value in (await request.form()).items()}
    effective_at, errors = _effective(form.get("effective_at", ""), reader)
    if form.get("revision") != str(draft.revision):
        errors[""] = told(SomebodyWasFaster(who=draft.author), reader.language)
    if errors:
        return await _publish_page(reader, draft, form, errors)
    try:
        version = await drafts.publish_draft(
            draft,
            by=await actor_of(request),
            at=reader.at,
            effective_at=effective_at,
            note=form.get("note", "").strip(),
        )
    except (NotPublishable, SomebodyWasFaster) as refusal:
        return await _publish_page(reader, draft, form, {"": told(refusal, reader.language)})
    said = _("Version {version} is published and in force.")
    if effective_at and effective_at > reader.at:
        said = _("Version {version} is published and takes effect on {date}.")
    date = day(reader.language, (effective_at or reader.at).astimezone(reader.zone).date())
    flash(request, translate(reader.language, said, version=version, date=date))
    return Redirect("/regulation/history", status_code=303)


def _effective(text: str, reader: Reading) -> tuple[datetime | None, dict[str, str]]:
    """The instant typed in the centre's own zone; None for at once."""
    if not text.strip():
        return None, {}
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None, {"effective_at": translate(reader.language, _("Give a date and a time."))}
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=reader.zone)).astimezone(UTC)
    if moment < reader.at:
        return None, {"effective_at": translate(reader.language, _("A version cannot take effect in the past."))}
    return moment, {}


async def _publish_page(
    reader: Reading, draft: Draft, values: Mapping[str, str], errors: Mapping[str, str]
) -> Response[str]:
    version, document = await newest()
    current = await in_force(at=reader.at)
    return render(
        "regulation/publish.html",
        reader,
        status_code=422 if errors else 200,
        **await _around(reader, "draft") | {"draft": draft},
        values=values,
        errors=errors,
        changes=said_differences(document, draft.document, reader.language),
        checks=_checks(obstacles(draft.document), reader.language),
        examples=_examples(draft.document, reader.language),
        newest=version,
        waiting=version if version != current.version else None,
        in_force=current.version,
    )


# --- history ----------------------------------------------------------------------------------------------------------


@get("/regulation/history", guards=[LOOK])
async def history(request: AnyRequest) -> Response[str]:
    """Every version, the newest first: who, when, why, and what changed."""
    reader = await reading(request)
    published = await versions()
    return render(
        "regulation/history.html",
        reader,
        **await _around(reader, "history"),
        versions=published,
        changes=await _changes_of(published, reader.language),
        in_force=(await in_force(at=reader.at)).version,
    )


async def _changes_of(published: Sequence[Mapping[str, Any]], language: Language) -> dict[int, tuple[Said, ...]]:
    """For each version but the first, what differs from the one before."""
    documents = {one["version"]: await drafts.document_of(one["version"]) for one in published}
    return {
        version: said_differences(documents[version - 1], documents[version], language)
        for version in documents
        if version - 1 in documents
    }


@post("/regulation/versions/{version:int}/bring-back", guards=[CHANGE], status_code=303)
async def bring_back(request: AnyRequest, version: FromPath[int]) -> Redirect:
    """Make a draft of an older version; publishing it brings it back."""
    reader = await reading(request)
    try:
        await drafts.begin(by=await actor_of(request), at=reader.at, copy_of=version)
    except SomebodyWasFaster as refusal:
        said = _("There is a draft by {who} already. Publish or discard it first.")
        flash(request, translate(reader.language, said, **refusal.params), "refused")
        return Redirect("/regulation/history", status_code=303)
    said = _("The draft is a copy of version {version}. Check it and publish it.")
    flash(request, translate(reader.language, said, version=version))
    return Redirect("/regulation/draft", status_code=303)


router = page_router(
    [
        regulation_in_force,
        begin_draft,
        draft_page,
        save_draft,
        add_priority,
        remove_priority,
        discard_draft,
        rebase_draft,
        publish_page,
        publish_draft,
        history,
        bring_back,
    ]
)
