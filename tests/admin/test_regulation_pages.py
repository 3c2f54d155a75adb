"""An owner changes the regulation in the browser: a draft, refusals beside the fields, publishing, history."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from html import unescape

import httpx
import msgspec
import pytest
from litestar import Litestar

from admin.regulation.priority_list import moved_priority
from service import clock, drafts
from service.accounts import add_user
from service.actors import Actor, customer
from service.app import create_app
from service.database import fetch, fetchval
from service.intake import Request, receive
from service.regulations import RULEBOOKS, in_force, newest, publish, publish_default
from service.settings import Settings
from service.tickets import carry_out
from tests.admin.regulation_forms import fields_of
from tests.desk import OPERATOR, changed_target
from workflow.definition import Role
from workflow.process import PROCESS
from workflow.regulation import Regulation, Step, default_regulation

ORIGIN = "http://desk.example.org"
COLLEAGUE = Actor(kind="staff", id="99", name="Pavel Owner", role=Role.PROCESS_OWNER)
REQUESTS, TALK = "/regulation/draft/requests", "/regulation/draft/talk"
SignedIn = Callable[[Role], Awaitable[httpx.AsyncClient]]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    return create_app(Settings(home=tmp_path_factory.mktemp("home"), env="test", public_url=ORIGIN))


@pytest.fixture
async def signed_in(app: Litestar, database: None) -> AsyncIterator[SignedIn]:
    """Browsers of people who signed in, reading English."""
    RULEBOOKS.forget()
    await publish_default(at=clock.now())
    async with AsyncExitStack() as stack:

        async def made(role: Role) -> httpx.AsyncClient:
            email = f"{role.value}@example.org"
            password = await add_user(email, name=f"Vera {role.value}", role=role, language="en", at=clock.now())
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=ORIGIN))
            await post(client, "/sign-in", {"email": email, "password": password, "next": "/regulation"}, at="/sign-in")
            return client

        yield made
    RULEBOOKS.forget()


@pytest.fixture
async def owner(signed_in: SignedIn) -> httpx.AsyncClient:
    return await signed_in(Role.PROCESS_OWNER)


async def post(
    client: httpx.AsyncClient, path: str, form: dict[str, str] | None = None, *, at: str = "/regulation"
) -> httpx.Response:
    """Send a form as the page at `at` would: with its token and its hidden fields."""
    page = (await client.get(at)).text
    hidden = dict(re.findall(r'<input type="hidden" name="(_csrf_token|revision)" value="([^"]*)"', page))
    return await client.post(path, data={**hidden, **(form or {})})


async def change(client: httpx.AsyncClient, page: str = "/regulation/draft", **form: str) -> httpx.Response:
    """Open the draft and save these fields."""
    await post(client, "/regulation/draft/begin")
    return await post(client, page, form, at=page)


def words(page: httpx.Response) -> str:
    """The text of a page, without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


async def test_the_owner_changes_a_target_and_publishes_it(owner: httpx.AsyncClient) -> None:
    saved = await change(owner, **{"target-P2-amount": "6", "target-P2-unit": "working_hours"})
    assert (saved.status_code, saved.headers["location"]) == (303, "/regulation/draft")
    draft = await owner.get("/regulation/draft")
    assert "P2: to be solved within 6 working hours." in words(draft)
    assert "6.3 P2: resolution target 8 → 6 working hours" in words(draft)
    published = await post(
        owner, "/regulation/draft/publish", {"note": "Faster", "effective_at": ""}, at="/regulation/draft/publish"
    )
    assert published.headers["location"] == "/regulation/history"
    assert (await in_force(at=clock.now())).target("P2", "standard").amount == 360
    assert (await drafts.document_of(1)).priorities[1].target.amount == 480
    history = words(await owner.get("/regulation/history"))
    assert "Version 2 is published and in force." in history
    assert "Faster" in history
    assert await drafts.open_draft() is None


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("target-P1-amount", "soon", "Give a whole number from 1 to 100000."),
        ("target-P1-amount", "0", "Give a whole number from 1 to 100000."),
        ("target-P1-amount", "-4", "Give a whole number from 1 to 100000."),
        ("target-P1-unit", "fortnights", "Choose one of the options."),
        ("minimum_minutes", "1441", "Give a whole number from 0 to 1440."),
        ("number_format", "  ", "This must not be empty."),
        ("name-P1-ru", "", "This must not be empty."),
        ("colour-P1", "#12", "Choose one of the options."),
        ("on_dispute", "never", "Choose one of the options."),
    ],
)
async def test_nonsense_is_refused_next_to_its_field_and_kept(
    owner: httpx.AsyncClient, field: str, value: str, sentence: str
) -> None:
    page = REQUESTS if field in ("minimum_minutes", "number_format", "on_dispute") else "/regulation/draft"
    refused = await change(owner, page, **{field: value})
    assert refused.status_code == 422
    # The sentence stands in the paragraph that belongs to the field.
    beside = re.search(rf'id="e-{field}"[^>]*>(.*?)</p>', refused.text, re.DOTALL)
    assert beside is not None
    assert sentence in unescape(beside[1])
    if value.strip() and field.endswith("amount"):
        assert f'value="{value}"' in refused.text
    draft = await drafts.open_draft()
    assert draft is not None
    assert (draft.revision, draft.document) == (1, (await newest())[1])


async def test_a_part_asked_for_without_a_draft_is_where_the_draft_begins(owner: httpx.AsyncClient) -> None:
    begin = "/regulation/draft/begin"
    for part in (REQUESTS, "/regulation/draft/letters/completed", "/regulation/draft/simulation"):
        page = await owner.get(part)
        assert page.status_code == 200
        assert "No draft" in words(page)
        begun = await owner.post(begin, data=fields_of(page.text, begin))
        assert begun.headers["location"] == part
        await post(owner, "/regulation/draft/discard", at=part)
    elsewhere = await owner.post(begin, data=fields_of(page.text, begin) | {"asked_for": "//example.com/draft"})
    assert elsewhere.headers["location"] == "/regulation/draft"


@pytest.mark.parametrize("number_format", ["{n:999999999}", "{n.real.x}", "{n:{year}}"])
async def test_a_number_without_measure_costs_nothing_but_its_own_refusal(
    owner: httpx.AsyncClient, number_format: str
) -> None:
    await change(owner, REQUESTS, number_format=number_format)
    page = await owner.get(REQUESTS)
    assert page.status_code == 200
    assert len(page.content) < 200_000
    assert "The number format may use only {n} and {year}." in unescape(page.text)


async def test_a_draft_that_contradicts_itself_is_shown_and_not_published(owner: httpx.AsyncClient) -> None:
    await change(owner, REQUESTS, number_format="{year}")
    await change(owner, **{"target-P3-amount": "7"})
    draft = await owner.get(REQUESTS)
    beside = re.search(r'id="e-number_format"[^>]*>(.*?)</p>', draft.text, re.DOTALL)
    assert beside is not None
    assert "The number format must contain {n}, or numbers would repeat." in beside[1]
    assert "1 check fails" in words(await owner.get("/regulation/draft"))
    refused = await post(owner, "/regulation/draft/publish", at="/regulation/draft/publish")
    assert refused.status_code == 422
    assert "numbers would repeat" in words(refused)
    assert (await newest())[0] == 1


async def test_a_broken_example_blocks_publishing(owner: httpx.AsyncClient) -> None:
    await change(owner, **{"target-P3-amount": "7"})
    assert "these rules give 2026-05-13 16:30" in words(await owner.get("/regulation/draft"))
    refused = await post(owner, "/regulation/draft/publish", at="/regulation/draft/publish")
    assert refused.status_code == 422
    assert (await newest())[0] == 1


async def test_a_version_may_take_effect_later_but_not_in_the_past(owner: httpx.AsyncClient) -> None:
    await change(owner, REQUESTS, **{"auto_close-amount": "48"})
    past = await post(
        owner, "/regulation/draft/publish", {"effective_at": "2020-01-01T09:00"}, at="/regulation/draft/publish"
    )
    assert past.status_code == 422
    assert "A version cannot take effect in the past." in words(past)
    tomorrow = clock.now() + timedelta(days=1)
    local = tomorrow.astimezone((await in_force(at=clock.now())).calendar.zone)
    await post(
        owner, "/regulation/draft/publish", {"effective_at": f"{local:%Y-%m-%dT%H:%M}"}, at="/regulation/draft/publish"
    )
    assert (await in_force(at=clock.now())).version == 1
    assert (await in_force(at=tomorrow)).regulation.auto_close.amount == 48 * 60


async def test_two_owners_notice_each_other(owner: httpx.AsyncClient) -> None:
    await post(owner, "/regulation/draft/begin")
    seen = await drafts.open_draft()
    assert seen is not None
    await drafts.save(seen, changed_target(seen.document, "P1", amount=200), by=COLLEAGUE, at=clock.now())
    late = await post(owner, "/regulation/draft", {"revision": "1", "target-P2-amount": "6"}, at="/regulation/draft")
    assert late.status_code == 412
    assert COLLEAGUE.name in words(late)
    assert re.search(r'value="6"[^>]*id="f-target-P2-amount"', late.text)  # what was typed is kept
    kept = await drafts.open_draft()
    assert kept is not None
    assert (kept.revision, kept.document.priorities[1].target.amount) == (2, 480)


async def test_a_version_published_meanwhile_asks_the_draft_to_follow(owner: httpx.AsyncClient) -> None:
    await change(owner, **{"target-P2-amount": "6"})
    version, document = await newest()
    await publish(changed_target(document, "P1", amount=180), based_on=version, by=COLLEAGUE, at=clock.now())
    refused = await post(owner, "/regulation/draft/publish", at="/regulation/draft/publish")
    assert refused.status_code == 422
    await post(owner, "/regulation/draft/rebase", at="/regulation/draft")
    await post(owner, "/regulation/draft/publish", at="/regulation/draft/publish")
    assert (await newest())[0] == 3


async def test_an_older_version_is_brought_back_by_publishing_its_copy(owner: httpx.AsyncClient) -> None:
    version, document = await newest()
    await publish(changed_target(document, "P1", amount=180), based_on=version, by=COLLEAGUE, at=clock.now())
    brought = await post(owner, "/regulation/versions/1/bring-back", at="/regulation/history")
    assert brought.headers["location"] == "/regulation/draft"
    await post(owner, "/regulation/draft/publish", at="/regulation/draft/publish")
    assert (await newest()) == (3, document)


async def test_a_discarded_draft_leaves_the_regulation_alone(owner: httpx.AsyncClient) -> None:
    await change(owner, **{"target-P2-amount": "6"})
    await post(owner, "/regulation/draft/discard", at="/regulation/draft")
    assert await drafts.open_draft() is None
    assert (await newest())[0] == 1


async def test_a_draft_that_a_colleague_saved_meanwhile_is_not_thrown_away_unseen(owner: httpx.AsyncClient) -> None:
    await post(owner, "/regulation/draft/begin")
    seen = await drafts.open_draft()
    assert seen is not None
    await drafts.save(seen, changed_target(seen.document, "P1", amount=200), by=COLLEAGUE, at=clock.now())
    refused = await post(owner, "/regulation/draft/discard", {"revision": "1"}, at="/regulation/draft")
    assert refused.headers["location"] == "/regulation/draft"
    assert COLLEAGUE.name in words(await owner.get("/regulation/draft"))
    assert await drafts.open_draft() is not None


async def test_every_step_is_in_the_configuration_journal_with_the_difference(owner: httpx.AsyncClient) -> None:
    await change(owner, **{"target-P2-amount": "6"})
    await post(owner, "/regulation/draft/publish", at="/regulation/draft/publish")
    rows = await fetch("SELECT act, actor_name, data FROM config_journal WHERE act LIKE 'regulation%' ORDER BY id")
    assert [row["act"] for row in rows] == ["regulation.draft.begin", "regulation.draft.save", "regulation.publish"]
    assert {row["actor_name"] for row in rows} == {"Vera process_owner"}
    for row in rows[1:]:
        changes = msgspec.json.decode(row["data"])["changes"]
        assert [one["en"] for one in changes] == ["P2: resolution target 8 → 6 working hours"]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SUPERVISOR])
async def test_others_look_and_change_nothing(signed_in: SignedIn, role: Role) -> None:
    reader = await signed_in(role)
    await drafts.begin(by=COLLEAGUE, at=clock.now())
    for path in ("/regulation", "/regulation/draft", "/regulation/history"):
        page = await reader.get(path)
        assert page.status_code == 200
        assert 'action="/regulation' not in page.text
    assert (await reader.get("/regulation/draft/publish")).status_code == 403
    for path in (
        "draft/begin",
        "draft",
        "draft/discard",
        "draft/rebase",
        "draft/publish",
        "versions/1/bring-back",
        "draft/priorities",
    ):
        assert (await post(reader, f"/regulation/{path}")).status_code == 403
    assert await fetchval("SELECT revision FROM regulation_draft") == 1


async def test_strangers_see_no_page_of_the_owners(owner: httpx.AsyncClient) -> None:
    owner.cookies.clear()
    for path in ("/regulation", "/regulation/draft", "/regulation/history", "/regulation/draft/publish"):
        assert (await owner.get(path)).status_code == 401


async def test_a_form_without_its_token_changes_nothing(owner: httpx.AsyncClient) -> None:
    assert (await owner.post("/regulation/draft/begin")).status_code == 403
    assert await drafts.open_draft() is None


async def test_a_form_that_sends_only_some_fields_keeps_the_others(owner: httpx.AsyncClient) -> None:
    """An empty tick is not sent by browsers: only the ticks that the form showed count as cleared."""
    await change(owner, REQUESTS, minimum_minutes="15")
    draft = await drafts.open_draft()
    assert draft is not None
    assert draft.document.minimum_minutes == 15
    assert draft.document.level_by_address is True
    await change(owner, TALK, **{"shown-level_by_address": "1"})
    draft = await drafts.open_draft()
    assert draft is not None
    assert draft.document.level_by_address is False


async def the_draft() -> Regulation:
    draft = await drafts.open_draft()
    assert draft is not None
    return draft.document


async def test_a_step_is_added_in_the_empty_row_and_taken_away_by_clearing_its_amount(owner: httpx.AsyncClient) -> None:
    await change(
        owner,
        **{
            "step-P4-1-amount": "60", "step-P4-1-when": "before", "step-P4-1-others": "boss@example.org",
            "shown-step-P4-1-supervisors": "1", "step-P4-1-supervisors": "1", "step-P4-1-raise_to": "P1",
            "step-P4-1-reassign_to": "chief@example.org",
        },
    )  # fmt: skip
    added = (await the_draft()).priorities[3].steps
    assert added[0] == (await newest())[1].priorities[3].steps[0]
    assert added[1] == Step(
        notify=("supervisors", "boss@example.org"), minutes=-60, raise_to="P1", reassign_to="chief@example.org"
    )
    assert 'value="chief@example.org" selected' in (await owner.get("/regulation/draft")).text
    await change(owner, **{"step-P4-0-amount": ""})
    assert (await the_draft()).priorities[3].steps == added[1:]


async def test_a_step_for_nobody_and_an_address_that_is_none_are_refused_beside_their_fields(
    owner: httpx.AsyncClient,
) -> None:
    refused = await change(owner, **{"step-P4-1-amount": "60", "step-P4-1-others": "the boss"})
    assert refused.status_code == 422
    assert re.search(r'id="e-step-P4-1-others"', refused.text)
    await change(owner, **{"step-P4-1-amount": "60"})
    page = await owner.get("/regulation/draft")
    beside = re.search(r'id="e-step-P4-1-amount"[^>]*>(.*?)</p>', page.text, re.DOTALL)
    assert beside is not None
    assert "The step does nothing" in beside[1]


async def test_a_priority_is_added_moved_up_and_published(owner: httpx.AsyncClient) -> None:
    await post(owner, "/regulation/draft/begin")
    await post(owner, "/regulation/draft/priorities", {"code": "p0"}, at="/regulation/draft")
    assert [one.code for one in (await the_draft()).priorities] == ["P1", "P2", "P3", "P4", "P0"]
    for _place in range(4):
        await post(owner, "/regulation/draft/priorities/P0/up", at="/regulation/draft")
    await change(owner, **{"target-P0-amount": "1", "target-P0-unit": "elapsed_hours"})
    await post(owner, "/regulation/draft/publish", at="/regulation/draft/publish")
    rules = await in_force(at=clock.now())
    assert rules.open_priorities == ("P0", "P1", "P2", "P3", "P4")
    assert rules.target("P0", "standard").kind == "calendar_minutes"


async def test_a_priority_at_the_end_stays_there_and_a_way_that_is_none_is_not_found(owner: httpx.AsyncClient) -> None:
    await post(owner, "/regulation/draft/begin")
    for code, way in (("P1", "up"), ("P4", "down"), ("P9", "up")):
        await post(owner, f"/regulation/draft/priorities/{code}/{way}", at="/regulation/draft")
    assert (await the_draft()) == (await newest())[1]
    await post(owner, "/regulation/draft/priorities/P1/down", at="/regulation/draft")
    assert [(one.code, one.rank) for one in (await the_draft()).priorities[:2]] == [("P1", 2), ("P2", 1)]
    assert (await post(owner, "/regulation/draft/priorities/P1/sideways", at="/regulation/draft")).status_code == 404


def test_two_that_share_a_rank_are_told_apart_by_moving_one() -> None:
    document = default_regulation()
    shared = msgspec.structs.replace(
        document, priorities=tuple(msgspec.structs.replace(one, rank=1) for one in document.priorities)
    )
    moved = moved_priority(shared, "P4", up=True)
    assert {one.code: one.rank for one in moved.priorities} == {"P1": 1, "P2": 2, "P4": 3, "P3": 4}


@pytest.mark.parametrize("code", ["P1", "", "P-1", "П5", "P1234567890"])
async def test_a_code_that_cannot_be_is_refused(owner: httpx.AsyncClient, code: str) -> None:
    await post(owner, "/regulation/draft/begin")
    refused = await post(owner, "/regulation/draft/priorities", {"code": code}, at="/regulation/draft")
    assert refused.status_code == 422
    assert 'id="e-code"' in refused.text
    assert len((await the_draft()).priorities) == 4


async def test_only_a_priority_nobody_published_can_be_removed(owner: httpx.AsyncClient) -> None:
    await post(owner, "/regulation/draft/begin")
    await post(owner, "/regulation/draft/priorities", {"code": "P5"}, at="/regulation/draft")
    await post(owner, "/regulation/draft/priorities/P5/remove", at="/regulation/draft")
    await post(owner, "/regulation/draft/priorities/P1/remove", at="/regulation/draft")
    assert [one.code for one in (await the_draft()).priorities] == ["P1", "P2", "P3", "P4"]
    assert "Retire it instead" in words(await owner.get("/regulation/draft"))


async def test_a_retired_priority_is_given_to_no_new_ticket(owner: httpx.AsyncClient) -> None:
    await change(owner, **{"shown-retired-P4": "1", "retired-P4": "1"})
    await post(owner, "/regulation/draft/publish", at="/regulation/draft/publish")
    rules = await in_force(at=clock.now())
    assert rules.open_priorities == ("P1", "P2", "P3")
    assert "P4" in rules.priorities


@pytest.mark.parametrize(
    ("role", "leads_to"), [(Role.OPERATOR, "/desk?state=new"), (Role.PROCESS_OWNER, "/process/states/new")]
)
async def test_the_process_page_shows_the_picture_with_live_counts_and_every_move(
    signed_in: SignedIn, role: Role, leads_to: str
) -> None:
    """The counts lead to the tickets: on the desk for those who have one, as a list for the others."""
    reader = await signed_in(role)
    request = Request(channel="email", subject="It hangs", text="It hangs", email="ivan@example.com")
    ticket = await receive(request, by=customer(id="", name="Ivan"), at=clock.now(), cause="mail:1")
    page = await reader.get("/process")
    assert page.status_code == 200
    assert set(re.findall(r'<tr id="(\w+)">', page.text)) == set(PROCESS.by_trigger)
    assert re.findall(r'class="d-count-text"[^>]*>(\d+)<', page.text) == ["1", "0", "0", "0", "0"]
    assert page.text.count(f'href="{leads_to}"') == 2  # in the picture and in the table
    assert "on average " not in page.text
    behind = await reader.get("/process/states/new")
    assert "It hangs" in words(behind)
    assert (f"/desk/tickets/{ticket.id}" in behind.text) is (role is Role.OPERATOR)
    assert "No tickets" in words(await reader.get("/process/states/completed"))
    assert (await reader.get("/process/states/nowhere")).status_code == 404


async def test_the_process_page_tells_how_long_tickets_stay_on_average(signed_in: SignedIn) -> None:
    now = clock.now()
    request = Request(channel="email", text="It hangs", email="ivan@example.com")
    ticket = await receive(request, by=customer(id="", name="Ivan"), at=now - timedelta(hours=3), cause="mail:1")
    await carry_out(ticket.id, "register", by=OPERATOR, at=now, cause="request:1", given={"priority": "P2"})
    page = await (await signed_in(Role.SUPERVISOR)).get("/process")
    said = re.findall(r'class="d-note"[^>]*>(on average [^<]*)<', page.text)
    assert [one.replace("\N{NO-BREAK SPACE}", " ") for one in said] == ["on average 3 hrs"]


async def test_the_process_page_is_not_for_strangers(owner: httpx.AsyncClient) -> None:
    owner.cookies.clear()
    for path in ("/process", "/process/stream", "/process/states/new"):
        assert (await owner.get(path)).status_code == 401
