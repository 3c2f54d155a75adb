"""Owners share one draft, notice each other, and every step is journaled."""

from datetime import timedelta

import msgspec
import pytest

from service import drafts
from service.actors import Actor
from service.database import fetch
from service.regulations import NotPublishable, SomebodyWasFaster, in_force, newest, publish
from tests.desk import changed_target
from tests.service.conftest import START
from workflow.definition import Role
from workflow.errors import NotFound

OWNER = Actor(kind="staff", id="1", name="Vera Owner", role=Role.PROCESS_OWNER)
COLLEAGUE = Actor(kind="staff", id="2", name="Pavel Owner", role=Role.PROCESS_OWNER)
LATER = START + timedelta(hours=1)


async def acts() -> list[str]:
    return [row["act"] for row in await fetch("SELECT act FROM config_journal ORDER BY id")]


async def test_owners_share_one_draft(regulation: None) -> None:
    mine = await drafts.begin(by=OWNER, at=START)
    his = await drafts.begin(by=COLLEAGUE, at=LATER)
    assert (his.id, his.author) == (mine.id, OWNER.name)
    assert (mine.based_on, mine.document) == await newest()
    assert await acts() == ["regulation.draft.begin"]


async def test_of_two_who_save_the_slower_is_told_who_was_faster(regulation: None) -> None:
    draft = await drafts.begin(by=OWNER, at=START)
    saved = await drafts.save(draft, changed_target(draft.document, "P2", amount=360), by=COLLEAGUE, at=LATER)
    assert saved.revision == draft.revision + 1
    with pytest.raises(SomebodyWasFaster) as refused:
        await drafts.save(draft, changed_target(draft.document, "P2", amount=300), by=OWNER, at=LATER)
    assert refused.value.params == {"who": COLLEAGUE.name}
    open_draft = await drafts.open_draft()
    assert open_draft is not None
    assert open_draft.document.priorities[1].target.amount == 360


async def test_publishing_a_draft_ends_it_and_touches_no_older_version(regulation: None) -> None:
    draft = await drafts.begin(by=OWNER, at=START)
    draft = await drafts.save(draft, changed_target(draft.document, "P2", amount=360), by=OWNER, at=START)
    tomorrow = START + timedelta(days=1)
    version = await drafts.publish_draft(draft, by=OWNER, at=LATER, effective_at=tomorrow, note="Faster")
    assert version == 2
    assert await drafts.open_draft() is None
    assert (await in_force(at=LATER)).target("P2", "standard").amount == 480
    assert (await in_force(at=tomorrow)).target("P2", "standard").amount == 360
    assert (await drafts.document_of(1)).priorities[1].target.amount == 480
    assert await acts() == ["regulation.draft.begin", "regulation.draft.save", "regulation.publish"]
    told = {
        "place": "priorities.P2.target", "en": "P2: resolution target 8 → 6 working hours",
        "ru": "P2: срок решения 8 → 6 рабочих часов",
    }  # fmt: skip
    for row in (await fetch("SELECT data FROM config_journal ORDER BY id"))[1:]:
        assert msgspec.json.decode(row["data"])["changes"] == [told]


async def test_a_draft_changed_since_it_was_read_is_not_published(regulation: None) -> None:
    draft = await drafts.begin(by=OWNER, at=START)
    await drafts.save(draft, changed_target(draft.document, "P2", amount=1), by=COLLEAGUE, at=LATER)
    with pytest.raises(SomebodyWasFaster):
        await drafts.publish_draft(draft, by=OWNER, at=LATER)


async def test_a_draft_that_breaks_an_example_is_not_published_and_stays(regulation: None) -> None:
    draft = await drafts.begin(by=OWNER, at=START)
    draft = await drafts.save(draft, changed_target(draft.document, "P3", amount=7), by=OWNER, at=START)
    with pytest.raises(NotPublishable):
        await drafts.publish_draft(draft, by=OWNER, at=LATER)
    assert await drafts.open_draft() == draft


async def test_a_version_published_meanwhile_asks_for_a_second_look(regulation: None) -> None:
    draft = await drafts.begin(by=OWNER, at=START)
    version, document = await newest()
    await publish(changed_target(document, "P1", amount=200), based_on=version, by=COLLEAGUE, at=LATER)
    with pytest.raises(SomebodyWasFaster):
        await drafts.publish_draft(draft, by=OWNER, at=LATER)
    draft = await drafts.rebase(draft, by=OWNER, at=LATER)
    assert await drafts.publish_draft(draft, by=OWNER, at=LATER) == 3


async def test_bringing_back_is_a_draft_of_an_older_version(regulation: None) -> None:
    version, document = await newest()
    await publish(changed_target(document, "P1", amount=200), based_on=version, by=OWNER, at=START)
    draft = await drafts.begin(by=OWNER, at=LATER, copy_of=1)
    assert (draft.based_on, draft.document) == (2, document)
    with pytest.raises(SomebodyWasFaster):
        await drafts.begin(by=COLLEAGUE, at=LATER, copy_of=1)
    assert await drafts.publish_draft(draft, by=OWNER, at=LATER) == 3
    assert (await drafts.document_of(3)) == document


async def test_a_version_that_never_was_cannot_be_brought_back(regulation: None) -> None:
    with pytest.raises(NotFound):
        await drafts.begin(by=OWNER, at=START, copy_of=9)
    assert await drafts.open_draft() is None


async def test_a_discarded_draft_is_gone_and_journaled(regulation: None) -> None:
    draft = await drafts.begin(by=OWNER, at=START)
    stale = msgspec.structs.replace(draft, revision=0)
    with pytest.raises(SomebodyWasFaster):
        await drafts.discard(stale, by=OWNER, at=LATER)
    await drafts.discard(draft, by=OWNER, at=LATER)
    assert await drafts.open_draft() is None
    assert (await acts())[-1] == "regulation.draft.discard"
