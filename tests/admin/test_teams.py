"""Teams on their page, in the queue, on the board and in the form of the regulation."""

from service.database import execute, fetchval
from tests.admin.conftest import Browser, Signs, words
from tests.admin.test_desk import a_ticket, subjects
from workflow.definition import Role


async def id_of(name: str) -> str:
    return str(await fetchval("SELECT id FROM app_user WHERE name = $1", name))


async def two_teams(root: Browser) -> tuple[str, str]:
    """Olga is in the first line, Vera in the second; their ids."""
    for code, name, who in (("first-line", "First line", "Olga"), ("second-line", "Second line", "Vera")):
        made = await root.send("/people/teams", on="/people/teams", code=code, name=name, member=await id_of(who))
        assert made.status_code == 303
    first, second = [
        await fetchval("SELECT id FROM team WHERE code = $1", code) for code in ("first-line", "second-line")
    ]
    return str(first), str(second)


async def everybody(signs_in: Signs) -> Browser:
    root = await signs_in(Role.ADMINISTRATOR, name="Root")
    for name in ("Olga", "Vera"):
        await signs_in(Role.OPERATOR, name=name)
    return root


async def test_a_team_is_made_changed_ended_and_brought_back(signs_in: Signs) -> None:
    root = await everybody(signs_in)
    first, _second = await two_teams(root)
    page = await root.get("/people/teams")
    assert "First line team:first-line" in words(page)
    changed = await root.send(f"/people/teams/{first}", on="/people/teams", name="Front", member=await id_of("Vera"))
    assert changed.status_code == 303
    assert "Front team:first-line Vera" in words(await root.get("/people/teams"))
    await root.send(f"/people/teams/{first}", on="/people/teams", act="end")
    assert "Bring it back" in words(await root.get("/people/teams"))
    await root.send(f"/people/teams/{first}", on="/people/teams", act="again")
    assert "Bring it back" not in words(await root.get("/people/teams"))
    notes = await fetchval("SELECT count(*) FROM config_journal WHERE act LIKE 'team.%'")
    assert notes == 5


async def test_what_cannot_be_a_team_is_said_beside_the_field_and_kept(signs_in: Signs) -> None:
    root = await everybody(signs_in)
    await two_teams(root)
    wrong = await root.send("/people/teams", on="/people/teams", code="Вторая линия", name="Another")
    assert wrong.status_code == 422
    assert "small Latin letters" in words(wrong)
    assert 'value="Another"' in wrong.text
    taken = await root.send("/people/teams", on="/people/teams", code="first-line", name="Another")
    assert "is there already" in words(taken)
    gone = await root.send("/people/teams", on="/people/teams", code="third", name="Third", member="999")
    assert gone.status_code == 422


async def test_only_administrators_make_teams(signs_in: Signs) -> None:
    gleb = await signs_in(Role.SUPERVISOR, name="Gleb")
    assert (await gleb.get("/people/teams")).status_code == 403


async def test_the_queue_and_the_board_show_one_team(signs_in: Signs) -> None:
    root = await everybody(signs_in)
    first, second = await two_teams(root)
    for subject, who in (("Printer", "Olga"), ("Scanner", "Vera"), ("Nobody's own", None)):
        ticket = await a_ticket(subject)
        await execute(
            "UPDATE ticket SET assignee = $2 WHERE id = $1", ticket.id, int(await id_of(who)) if who else None
        )
    page = await root.get(f"/desk?team={second}")
    assert subjects(page.text) == ["Scanner"]
    assert "team Second line" in words(page)
    assert len(subjects((await root.get("/desk")).text)) == 3
    assert subjects((await root.get("/desk?team=999")).text) == []
    board = words(await root.get(f"/board?team={first}"))
    load = board[board.index("Load") : board.index("Not registered yet, by age")]
    assert "Olga" in load
    assert "Vera" not in load
    assert "Nobody's" not in load
    assert "are of all teams" in board
    whole = words(await root.get("/board?team=nonsense"))
    assert "are of all teams" not in whole
    assert "Vera" in whole[whole.index("Load") : whole.index("Not registered yet, by age")]


async def test_who_belongs_to_a_team_reads_it_on_their_page(signs_in: Signs) -> None:
    root = await everybody(signs_in)
    await root.send("/people/teams", on="/people/teams", code="desk", name="The desk", member=await id_of("Root"))
    assert "root@example.org · The desk" in words(await root.get("/profile"))
