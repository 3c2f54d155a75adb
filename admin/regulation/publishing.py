"""Publishing the draft: from when it is in force, and why it changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from litestar import Response, get, post
from litestar.response import Redirect

from admin.pages import Reading, render
from admin.reader import flash, reading
from admin.reading import AnyRequest, typed_in
from admin.regulation.frame import CHANGE, around_draft, lost, no_draft, overtaken
from admin.regulation.simulation_pages import CHOICE_NAMES, forecasts
from admin.regulation.worked import said_checks, worked_examples
from service import drafts
from service.auth import actor_of
from service.drafts import Draft
from service.problems import told
from service.regulations import NotPublishable, SomebodyWasFaster, all_obstacles, in_force, newest
from service.simulation import simulate
from service.words import day, translate
from workflow.carrying_over import CHOICES, Choice
from workflow.words import _


@get("/regulation/draft/publish", guards=[CHANGE])
async def publish_page(request: AnyRequest) -> Response[Any]:
    """What publishing will change, and from when."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    return no_draft(reader) if draft is None else await _publish_page(reader, draft, {}, {})


@post("/regulation/draft/publish", guards=[CHANGE], status_code=303)
async def publish_draft(request: AnyRequest) -> Response[Any]:
    """Make the draft the next version."""
    reader = await reading(request)
    draft = await drafts.open_draft()
    if draft is None:
        return lost(request, reader)
    form = await typed_in(request)
    effective_at, errors = _effective(form.get("effective_at", ""), reader)
    if refusal := overtaken(draft, form, reader.language):
        errors[""] = refusal
    if form.get("open_tickets", "keep") not in CHOICES:
        errors["open_tickets"] = translate(reader.language, _("Choose one of the options."))
    if errors:
        return await _publish_page(reader, draft, form, errors)
    try:
        version = await drafts.publish_draft(
            draft,
            by=await actor_of(request),
            at=reader.at,
            effective_at=effective_at,
            note=form.get("note", "").strip(),
            open_tickets=cast(Choice, form.get("open_tickets", "keep")),
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
    """The instant typed in the centre's own zone; None for at once, which the running minute is too."""
    if not text.strip():
        return None, {}
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=reader.zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None, {"effective_at": translate(reader.language, _("Give a date and a time."))}
    if reader.at - timedelta(minutes=1) < moment <= reader.at:
        return None, {}
    if moment < reader.at:
        return None, {"effective_at": translate(reader.language, _("A version cannot take effect in the past."))}
    return moment, {}


async def _publish_page(
    reader: Reading, draft: Draft, values: Mapping[str, str], errors: Mapping[str, str]
) -> Response[str]:
    version, _document = await newest()
    current = await in_force(at=reader.at)
    try:
        choices = forecasts(await simulate(draft.document, at=reader.at), reader.language)
    except NotPublishable:
        choices = [(choice, translate(reader.language, CHOICE_NAMES[choice]), "") for choice in CHOICES]
    return render(
        "regulation/publish.html",
        reader,
        status_code=422 if errors else 200,
        **await around_draft(reader, draft, "publish"),
        values=values,
        choices=choices,
        errors=errors,
        checks=said_checks(await all_obstacles(draft.document), reader.language),
        examples=worked_examples(draft.document),
        waiting=version if version != current.version else None,
        in_force=current.version,
    )


PUBLISHING_PAGES: Final = (publish_page, publish_draft)
