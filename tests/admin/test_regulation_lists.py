"""An owner edits service levels, lists and limits: what was typed is kept or refused beside its field."""

import re

import httpx
import pytest

from service import drafts
from service.regulations import newest, obstacles
from tests.admin.conftest import Browser, Signs, words
from tests.admin.regulation_forms import fields_of
from workflow.definition import Role
from workflow.regulation import CannedAnswer, Reason, Regulation, Text
from workflow.working_calendar import Target

LEVELS, LISTS = "/regulation/draft/levels", "/regulation/draft/lists"


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


@pytest.mark.parametrize("page", [LEVELS, LISTS])
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


async def test_lists_and_limits_are_kept_as_typed(owner: Browser) -> None:
    saved = await typed(
        owner,
        LISTS,
        **{
            "title-en": "Support rules", "required-phone": None, "reminder-0-amount": "4", "reminder-1-amount": "",
            "reminder-1-unit": "working_days", "loud-P2": "1", "brake-per_sender_day": "30",
            "type-application/pdf": "allowed", "type-image/gif": "", "archive-application/vnd.rar": None,
            "largest": "10", "canned-2-code": "faq", "canned-2-title-ru": "Вопросы", "canned-2-title-en": "FAQ",
            "canned-2-text-ru": "https://docs.example.org", "canned-2-text-en": "https://docs.example.org",
            "canned-2-product": "Editor", "reason-0-code": "", "reason-7-code": "vendor",
            "reason-7-name-ru": "Ждём", "reason-7-name-en": "We wait",
        },
    )  # fmt: skip
    assert saved.status_code == 303
    now, before = await document(), (await newest())[1]
    assert now.title.en == "Support rules"
    assert now.required_fields == ("organisation", "full_name", "position", "email", "text")
    assert now.reminders.after == (Target("working_days", 4),)
    assert now.quiet_hours.except_priorities == ("P1", "P2")
    assert now.brakes.per_sender_day == 30
    assert now.attachments.allowed == ("image/jpeg", "image/png", "application/pdf")
    assert now.attachments.archives == ("application/zip",)
    assert now.attachments.largest_bytes == 10 * 2**20
    link = Text("https://docs.example.org", "https://docs.example.org")
    assert now.canned_answers[-1] == CannedAnswer("faq", Text("Вопросы", "FAQ"), link, "Editor")
    assert now.postponement_reasons == (
        *before.postponement_reasons[1:], Reason("vendor", Text("Ждём", "We wait")),
    )  # fmt: skip
    assert obstacles(now) == ()
    assert "Files taken, added: application/pdf" in words(await owner.get("/regulation/draft"))


@pytest.mark.parametrize(
    ("page", "changes", "field"),
    [
        (LISTS, {"title-ru": " "}, "title-ru"),
        (LISTS, {"largest": "0"}, "largest"),
        (LISTS, {"brake-overall_10_minutes": "many"}, "brake-overall_10_minutes"),
        (LISTS, {"reminder-0-amount": "-1"}, "reminder-0-amount"),
        (LISTS, {"canned-2-code": "faq"}, "canned-2-title-ru"),
        (LISTS, {"reason-7-code": "с пробелом"}, "reason-7-code"),
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


async def test_how_a_deadline_in_days_ends_is_a_setting_of_its_priority(owner: Browser) -> None:
    page = "/regulation/draft"
    await typed(owner, page, **{"target-P3-day_mode": "end_of_day"})
    assert (await document()).priorities[2].target == Target("working_days", 5, "end_of_day")
    assert "5 working days, to the end of the day" in words(await owner.get(page))


@pytest.mark.parametrize("page", [LEVELS, LISTS])
async def test_others_only_look(owner: Browser, signs_in: Signs, page: str) -> None:
    reader = await signs_in(Role.OPERATOR, name="Gleb")
    shown = await reader.get(page)
    assert shown.status_code == 200
    assert 'action="/regulation' not in shown.text
    token = re.search(r'name="_csrf_token" value="([^"]+)"', shown.text)
    assert token is not None
    assert (await reader.client.post(page, data={"_csrf_token": token[1], "revision": "1"})).status_code == 403
