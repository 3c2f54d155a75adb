"""An owner edits the parts of the draft beside what is in force: what was typed is kept or refused at its field."""

import re

import httpx
import msgspec
import pytest

from admin.regulation.effects import effects
from service import clock, drafts
from service.regulations import newest, obstacles
from service.words import Language
from tests.admin.conftest import Browser, Signs, words
from tests.admin.regulation_forms import fields_of
from tests.desk import OPERATOR
from workflow.definition import Role
from workflow.regulation import (
    AttachmentPolicy,
    CannedAnswer,
    QuietHours,
    Reason,
    Regulation,
    Reminders,
    Rulebook,
    Text,
    default_regulation,
)
from workflow.working_calendar import Target

DRAFT, LEVELS = "/regulation/draft", "/regulation/draft/levels"
REQUESTS, TALK = "/regulation/draft/requests", "/regulation/draft/talk"
PARTS = (DRAFT, LEVELS, REQUESTS, TALK, "/regulation/draft/calendar", "/regulation/draft/examples")


@pytest.fixture
async def owner(signs_in: Signs) -> Browser:
    browser = await signs_in(Role.PROCESS_OWNER, name="Vera")
    await browser.send("/regulation/draft/begin", on="/regulation")
    return browser


async def typed(browser: Browser, page: str, **changes: str | None) -> httpx.Response:
    """Send the form of the page with these fields typed over; None clears a tick."""
    fields = fields_of((await browser.get(page)).text, page)
    for name, value in changes.items():
        if value is None:
            del fields[name]
        else:
            fields[name] = value
    return await browser.send(page, on=page, **fields)


async def document() -> Regulation:
    draft = await drafts.open_draft()
    assert draft is not None
    return draft.document


@pytest.mark.parametrize("page", PARTS)
async def test_a_form_saved_as_it_stands_changes_nothing(owner: Browser, page: str) -> None:
    assert (await typed(owner, page)).status_code == 303
    assert await document() == (await newest())[1]
    assert "Nothing was changed." in words(await owner.get(page))


async def test_a_level_gets_a_target_of_its_own_and_loses_it(owner: Browser) -> None:
    await typed(owner, LEVELS, **{"level-0-P3-amount": "3", "level-0-P3-unit": "working_days", "level-1-P1-amount": ""})
    standard, extended = (await document()).service_levels
    assert standard.targets == {"P3": Target("working_days", 3)}
    assert set(extended.targets) == {"P2"}


async def test_a_level_is_added_and_taken_away(owner: Browser) -> None:
    await typed(owner, LEVELS, **{"level-2-code": "gold", "level-2-name-ru": "Золотой", "level-2-name-en": "Gold"})
    assert [one.code for one in (await document()).service_levels] == ["standard", "extended", "gold"]
    await typed(owner, LEVELS, **{"level-1-code": ""})
    assert [one.code for one in (await document()).service_levels] == ["standard", "gold"]


async def test_what_a_request_tells_and_how_it_ends_is_kept_as_typed(owner: Browser) -> None:
    saved = await typed(
        owner,
        REQUESTS,
        **{
            "title-en": "Support rules", "required-phone": None, "reminder-0-amount": "4", "reminder-1-amount": "",
            "on_dispute": "restarts", "auto_close-amount": "2", "auto_close-unit": "working_days",
            "auto_close-day_mode": "end_of_day", "minimum_minutes": "15", "number_format": "SD-{n}",
        },
    )  # fmt: skip
    assert saved.status_code == 303
    now = await document()
    assert now.title.en == "Support rules"
    assert now.required_fields == ("organisation", "full_name", "position", "email", "text")
    assert now.reminders.after == (Target("working_days", 4),)
    assert (now.resolution.on_dispute, now.minimum_minutes, now.number_format) == ("restarts", 15, "SD-{n}")
    assert now.auto_close == Target("working_days", 2, "end_of_day")
    assert obstacles(now) == ()


async def test_how_people_talk_is_kept_as_typed(owner: Browser) -> None:
    saved = await typed(
        owner,
        TALK,
        **{
            "brake-per_sender_day": "30", "level_by_address": None, "counts_from": "received",
            "type-application/pdf": "allowed", "type-image/gif": "", "archive-application/vnd.rar": None,
            "largest": "10", "canned-2-code": "faq", "canned-2-title-ru": "Вопросы", "canned-2-title-en": "FAQ",
            "canned-2-text-ru": "https://docs.example.org", "canned-2-text-en": "https://docs.example.org",
            "canned-2-product": "Editor", "reason-0-code": "", "reason-7-code": "vendor",
            "reason-7-name-ru": "Ждём", "reason-7-name-en": "We wait",
        },
    )  # fmt: skip
    assert saved.status_code == 303
    now, before = await document(), (await newest())[1]
    assert now.brakes.per_sender_day == 30
    assert (now.level_by_address, now.resolution.counts_from) == (False, "received")
    assert now.attachments.allowed == ("image/jpeg", "image/png", "application/pdf")
    assert now.attachments.archives == ("application/zip",)
    assert now.attachments.largest_bytes == 10 * 2**20
    link = Text("https://docs.example.org", "https://docs.example.org")
    assert now.canned_answers[-1] == CannedAnswer("faq", Text("Вопросы", "FAQ"), link, "Editor")
    assert now.postponement_reasons == (
        *before.postponement_reasons[1:], Reason("vendor", Text("Ждём", "We wait")),
    )  # fmt: skip
    assert obstacles(now) == ()
    assert "Files taken, added: application/pdf" in words(await owner.get(TALK))


async def test_priorities_have_colours_and_some_are_told_of_at_any_hour(owner: Browser) -> None:
    await typed(owner, DRAFT, **{"loud-P2": "1", "colour-P3": "violet", "quiet_hours": None, "retired-P4": "1"})
    now = await document()
    assert now.quiet_hours == QuietHours(enabled=False, except_priorities=("P1", "P2"))
    assert [one.colour for one in now.priorities] == ["red", "orange", "violet", "grey"]
    assert now.priorities[3].retired
    page = words(await owner.get(DRAFT))
    assert "Every notice goes to colleagues at once, day and night." in page
    assert "Retired: 0 open tickets keep it, no new one gets it." in page


async def test_a_colour_of_its_own_that_a_document_brought_stays(owner: Browser) -> None:
    draft = await drafts.open_draft()
    assert draft is not None
    first, *others = draft.document.priorities
    own = (msgspec.structs.replace(first, colour="#aa0011"), *others)
    brought = msgspec.structs.replace(draft.document, priorities=own)
    await drafts.save(draft, brought, by=OPERATOR, at=clock.now())
    await typed(owner, DRAFT)
    assert await document() == brought


# --- beside the version in force --------------------------------------------------------------------------------------


async def test_each_setting_says_what_it_does_beside_what_is_in_force(owner: Browser) -> None:
    draft = await owner.get(REQUESTS)
    said = "An answer that took less books {} minutes."
    assert words(draft).count(said.format(30)) == 2  # in the draft, and beside it
    await typed(owner, REQUESTS, minimum_minutes="45")
    changed = await owner.get(REQUESTS)
    here = re.search(r'id="force-s-minimum".*?</div>', changed.text, re.DOTALL)
    assert here is not None
    assert f'<p class="differs">{said.format(30)}</p>' in here[0]
    assert "Minimum booked time: 30 → 45 min" in here[0]
    assert said.format(45) in words(changed)
    assert "1 difference" in words(changed)
    elsewhere = re.search(r'id="force-s-close".*?</div>', changed.text, re.DOTALL)
    assert elsewhere is not None
    assert "differs" not in elsewhere[0]


@pytest.mark.parametrize("page", [DRAFT, LEVELS, REQUESTS, TALK, "/regulation/draft/calendar"])
async def test_no_setting_is_without_its_clause_and_its_effect(owner: Browser, page: str) -> None:
    shown = (await owner.get(page)).text
    settings = re.findall(r'<section class="panel setting".*?</section>', shown, re.DOTALL)
    assert settings
    for setting in settings:
        assert re.search(r'class="clause-link" href="/regulation/public#clause-[\d.]+"', setting)
        if "One more level" not in setting:
            assert "Nothing of the kind." not in setting


@pytest.mark.parametrize("language", ["ru", "en"])
def test_effects_are_told_of_any_document_that_can_be_kept(language: Language) -> None:
    """Nothing of what an owner may save or import breaks the page, however odd."""
    document = default_regulation()
    bare = msgspec.structs.replace(
        document,
        calendar=msgspec.structs.replace(document.calendar, years=()),
        required_fields=(), postponement_reasons=(), canned_answers=(), reminders=Reminders(), service_levels=(),
        attachments=AttachmentPolicy((), (), (), 1), number_format="{oops}",
        priorities=(*document.priorities, document.priorities[0]),
    )  # fmt: skip
    none = msgspec.structs.replace(
        bare, priorities=tuple(msgspec.structs.replace(one, retired=True) for one in document.priorities)
    )
    for odd in (document, bare, none):
        told = effects(Rulebook(0, odd), language, at=clock.now(), opened={"P1": 1})
        assert all(line.strip() and "{" not in line.replace("{oops}", "") for lines in told.values() for line in lines)


@pytest.mark.parametrize(
    ("page", "changes", "field"),
    [
        (REQUESTS, {"title-ru": " "}, "title-ru"),
        (REQUESTS, {"reminder-0-amount": "-1"}, "reminder-0-amount"),
        (TALK, {"largest": "0"}, "largest"),
        (TALK, {"brake-overall_10_minutes": "many"}, "brake-overall_10_minutes"),
        (TALK, {"canned-2-code": "faq"}, "canned-2-title-ru"),
        (TALK, {"reason-7-code": "с пробелом"}, "reason-7-code"),
        (LEVELS, {"level-0-P1-amount": "soon"}, "level-0-P1-amount"),
        (LEVELS, {"level-1-code": "standard"}, "level-1-code"),
        (LEVELS, {"level-2-code": "gold"}, "level-2-name-ru"),
    ],
)
async def test_nonsense_is_refused_beside_its_field_and_kept(
    owner: Browser, page: str, changes: dict[str, str], field: str
) -> None:
    refused = await typed(owner, page, **changes)
    assert refused.status_code == 422
    assert re.search(rf'id="e-{field}"', refused.text)
    assert await document() == (await newest())[1]
    for value in changes.values():
        assert f'value="{value}"' in refused.text
    assert re.search(r"\d fields? needs? attention\. Nothing was saved\.", words(refused))


async def test_a_tick_that_was_cleared_stays_cleared_beside_a_refusal(owner: Browser) -> None:
    refused = await typed(owner, REQUESTS, **{"required-phone": None, "minimum_minutes": "x"})
    assert re.search(r'name="required-phone" value="1">', refused.text)
    assert re.search(r'name="required-position" value="1" checked>', refused.text)


async def test_how_a_deadline_in_days_ends_is_a_setting_of_its_priority(owner: Browser) -> None:
    page = "/regulation/draft"
    await typed(owner, page, **{"target-P3-day_mode": "end_of_day"})
    assert (await document()).priorities[2].target == Target("working_days", 5, "end_of_day")
    assert "5 working days, to the end of the day" in words(await owner.get(page))


@pytest.mark.parametrize("page", PARTS)
async def test_others_only_look(owner: Browser, signs_in: Signs, page: str) -> None:
    reader = await signs_in(Role.OPERATOR, name="Gleb")
    shown = await reader.get(page)
    assert shown.status_code == 200
    assert 'action="/regulation' not in shown.text
    token = re.search(r'name="_csrf_token" value="([^"]+)"', shown.text)
    assert token is not None
    assert (await reader.client.post(page, data={"_csrf_token": token[1], "revision": "1"})).status_code == 403
