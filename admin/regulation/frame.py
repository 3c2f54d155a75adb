"""What the pages of the regulation share: who may look and change, the tabs, keeping what was changed in the draft."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response
from litestar.response import Redirect

from admin.pages import Reading, render
from admin.reader import flash
from admin.reading import AnyRequest
from admin.regulation.differences import said_differences
from service import drafts
from service.auth import OWNERS, READERS, actor_of, requires
from service.drafts import Draft
from service.problems import told
from service.regulations import SomebodyWasFaster, newest
from service.words import Language, translate
from workflow.regulation import Problem, Regulation
from workflow.words import _

LOOK: Final = requires(*READERS, scope="regulation:read")
CHANGE: Final = requires(*OWNERS, scope="regulation:write")

SAVED: Final = _("The draft is saved. Nobody has to obey it until it is published.")
NO_DRAFT: Final = _("There is no draft any more: it was published or discarded meanwhile.")

TABS: Final = (
    ("in_force", _("In force"), "/regulation"),
    ("draft", _("Draft"), "/regulation/draft"),
    ("history", _("History"), "/regulation/history"),
    ("journal", _("Journal"), "/regulation/journal"),
    ("coverage", _("Coverage"), "/regulation/coverage"),
)
# The parts of the draft, each a page of its own, in the order of the clauses they carry.
SECTIONS: Final = (
    ("calendar", "1", _("Calendar"), "/regulation/draft/calendar"),
    ("requests", "2–5", _("Requests"), "/regulation/draft/requests"),
    ("deadlines", "6", _("Priorities and deadlines"), "/regulation/draft"),
    ("levels", "6.3", _("Service levels"), "/regulation/draft/levels"),
    ("talk", "7", _("Talking to each other"), "/regulation/draft/talk"),
    ("letters", "7", _("Letters"), "/regulation/draft/letters"),
    ("examples", "", _("Examples"), "/regulation/draft/examples"),
    ("simulation", "", _("Simulation"), "/regulation/draft/simulation"),
    ("publish", "", _("Publishing"), "/regulation/draft/publish"),
)
FOR_OWNERS: Final = ("publish",)  # the others may look at everything else


def around(reader: Reading, here: str, *, section: str = "") -> dict[str, Any]:
    """What stands at the top of each of these pages."""

    return {
        "may_change": reader.role in OWNERS,
        "tabs": [(translate(reader.language, said), href, name == here, None) for name, said, href in TABS],
        "sections": [
            (clauses, translate(reader.language, said), href, name == section)
            for name, clauses, said, href in SECTIONS
            if reader.role in OWNERS or name not in FOR_OWNERS
        ],
    }


async def around_draft(reader: Reading, draft: Draft, section: str) -> dict[str, Any]:
    """The same for a part of the draft: with its version to compare with and its differences."""
    version, document = await newest()
    return around(reader, "draft", section=section) | {
        "draft": draft,
        "document": draft.document,
        "newest": version,
        "changes": said_differences(document, draft.document, reader.language),
    }


def no_draft(reader: Reading) -> Response[str]:
    """Where a part of the draft was asked for and there is no draft: how to begin one, and go on to that part."""
    return render("regulation/no_draft.html", reader, **around(reader, "draft"), asked_for=reader.path)


def lost(request: AnyRequest, reader: Reading) -> Redirect:
    """The draft that a form belongs to is gone."""
    flash(request, translate(reader.language, NO_DRAFT), "refused")
    return Redirect("/regulation/draft", status_code=303)


def overtaken(draft: Draft, form: Mapping[str, str], language: Language) -> str:
    """Why a form cannot be saved as it is: somebody saved since it was shown; '' when nobody did."""
    if form.get("revision", "") == str(draft.revision):
        return ""
    return told(SomebodyWasFaster(who=draft.author), language)


async def keep(request: AnyRequest, reader: Reading, draft: Draft, document: Regulation, *, to: str) -> Redirect:
    """Save what was changed, with the difference in the configuration journal, and go on to the page `to`."""
    if document == draft.document:
        flash(request, translate(reader.language, _("Nothing was changed.")), "note")
        return Redirect(to, status_code=303)
    try:
        await drafts.save(draft, document, by=await actor_of(request), at=reader.at)
    except SomebodyWasFaster as refusal:
        flash(request, told(refusal, reader.language), "refused")
    else:
        flash(request, translate(reader.language, SAVED))
    return Redirect(to, status_code=303)


def said_problem(problem: Problem, language: Language) -> str:
    """What keeps the draft from being published, in a sentence."""
    return translate(language, problem.sentence, **problem.params)
