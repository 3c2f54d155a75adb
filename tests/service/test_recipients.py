"""Whom the regulation's words mean: deputies for who is away, teams, lists; what reaches nobody goes to supervisors."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import pytest

from service import recipients, teams
from service.actors import Actor
from service.database import execute, fetchval
from service.deadlines import fire
from service.regulations import NotPublishable, all_obstacles, publish
from tests.desk import HOUR, MONDAY, a_ticket, does
from tests.service.test_notices import person, told
from workflow.definition import Role
from workflow.regulation import Regulation, Step, default_regulation, problems

ROOT = Actor(kind="staff", id="1", name="Root", role=Role.ADMINISTRATOR)


async def away(who: Actor, *, deputy: Actor | None = None, since: datetime = MONDAY - HOUR) -> None:
    await execute(
        "UPDATE app_user SET absent_from = $2, absent_until = $3, deputy = $4 WHERE id = $1",
        int(who.user), since, MONDAY + timedelta(days=3), int(deputy.user) if deputy else None,
    )  # fmt: skip


async def names(*notify: str, assignee: Actor | None = None) -> list[str]:
    found = await recipients.told(notify, assignee=assignee.user if assignee else "", at=MONDAY)
    return sorted(reader.email.partition("@")[0] for reader in found)


async def a_team(code: str, members: Sequence[Actor]) -> int:
    ids = [int(one.user) for one in members]
    return await teams.add_team(code, name=code.title(), members=ids, by=ROOT, at=MONDAY)


async def test_words_become_people_each_once(regulation: None) -> None:
    olga, gleb = await person("Olga"), await person("Gleb", Role.SUPERVISOR)
    assert await names("assignee", assignee=olga) == ["olga"]
    assert await names("assignee", "supervisors", gleb.email.upper(), "list@x.org", assignee=olga) == [
        "gleb", "list", "olga",
    ]  # fmt: skip


async def test_what_is_nobodys_goes_to_the_supervisors(regulation: None) -> None:
    await person("Gleb", Role.SUPERVISOR)
    assert await names("assignee") == ["gleb"]


async def test_a_deputy_stands_in_and_so_does_the_deputys_deputy(regulation: None) -> None:
    olga, vera, boris = await person("Olga"), await person("Vera"), await person("Boris")
    await person("Gleb", Role.SUPERVISOR)
    await away(olga, deputy=vera)
    assert await names("assignee", assignee=olga) == ["vera"]
    await away(vera, deputy=boris)
    assert await names("assignee", assignee=olga) == ["boris"]
    assert await names(olga.email) == ["boris"]
    await execute("UPDATE app_user SET active = false WHERE name = 'Boris'")
    assert await names("assignee", assignee=olga) == ["gleb", "olga"]  # nobody on the way is there


async def test_two_who_stand_in_for_each_other_end_with_the_supervisors(regulation: None) -> None:
    olga, vera = await person("Olga"), await person("Vera")
    await person("Gleb", Role.SUPERVISOR)
    await away(olga, deputy=vera)
    await away(vera, deputy=olga)
    assert await names("assignee", assignee=olga) == ["gleb", "olga"]


async def test_an_absence_counts_from_its_first_moment_to_before_its_last(regulation: None) -> None:
    olga, vera = await person("Olga"), await person("Vera")
    await away(olga, deputy=vera, since=MONDAY)
    assert await names("assignee", assignee=olga) == ["vera"]
    await away(olga, deputy=vera, since=MONDAY + timedelta(microseconds=1))
    assert await names("assignee", assignee=olga) == ["olga"]


async def test_a_team_is_told_and_an_empty_or_ended_one_is_the_supervisors(regulation: None) -> None:
    olga, vera, boris = await person("Olga"), await person("Vera"), await person("Boris")
    await person("Gleb", Role.SUPERVISOR)
    id = await a_team("second-line", [olga, vera])
    await away(vera, deputy=boris)
    assert await names("team:second-line") == ["boris", "olga"]
    assert await names("team:nobody-knows") == ["gleb"]
    await teams.change_team(id, ended=True, by=ROOT, at=MONDAY)
    assert await names("team:second-line") == ["gleb"]
    await teams.change_team(id, ended=False, members=[], by=ROOT, at=MONDAY)
    assert await names("team:second-line") == ["gleb"]


def telling(*notify: str) -> Regulation:
    """The default regulation, whose only step of P2 tells these at half of the time."""

    document = default_regulation()
    priorities = tuple(
        msgspec.structs.replace(one, steps=(Step(notify=notify, percent=50),)) if one.code == "P2" else one
        for one in document.priorities
    )
    return msgspec.structs.replace(document, priorities=priorities)


async def test_a_step_of_a_published_regulation_tells_a_team(regulation: None) -> None:
    olga, vera = await person("Olga"), await person("Vera")
    await a_team("second-line", [vera])
    await publish(telling("team:second-line"), based_on=1, by=ROOT, at=MONDAY)
    ticket = await does(await a_ticket(at=MONDAY + HOUR), "start", MONDAY + HOUR, by=olga)
    timer = await fetchval("SELECT id FROM timer WHERE subject = $1 AND kind LIKE 'resolution:step%'", ticket.id)
    await fire(timer, at=MONDAY + 6 * HOUR)
    assert await told(vera) == [("deadline", "warn")]
    assert await told(olga) == []


async def test_a_team_that_is_not_there_keeps_a_draft_from_being_published(regulation: None) -> None:
    draft = telling("team:second-line")
    assert problems(draft) == ()  # the document itself is in order
    (found,) = await all_obstacles(draft)
    assert (found.sentence, found.params) == ("There is no team with the code {code}.", {"code": "second-line"})
    assert found.place == "priorities.1.steps.0"
    with pytest.raises(NotPublishable):
        await publish(draft, based_on=1, by=ROOT, at=MONDAY)
    await a_team("second-line", [])
    assert await all_obstacles(draft) == ()


@pytest.mark.parametrize("word", ["team:", "team:Second Line", "second-line", "team:-x"])
def test_a_word_that_means_nobody_is_told(word: str) -> None:
    assert [one.params["name"] for one in problems(telling(word))] == [word]
