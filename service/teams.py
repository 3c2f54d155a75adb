"""Teams: colleagues who are filtered by and told together. A team's code stands in regulations and never changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from service import config_journal
from service.accounts import AlreadyThere
from service.actors import Actor
from service.database import DB, execute, fetch, fetchrow, fetchval, retried
from service.directory import line
from workflow.errors import FieldError, NotFound, WrongFields
from workflow.regulation import TEAM_CODE, Problem, Regulation, teams_of
from workflow.words import _

LONGEST_NAME = 100
MOST = 500


class Member(msgspec.Struct, frozen=True):
    """Somebody in a team."""

    id: int
    email: str
    name: str


class Team(msgspec.Struct, frozen=True):
    """A team with its active members; one that `ended` is told and offered no more."""

    id: int
    code: str
    name: str
    ended: bool
    members: tuple[Member, ...]


TEAMS = """
SELECT k.id, k.code, k.name, k.ended_at IS NOT NULL AS ended,
       (SELECT json_agg(json_build_object('id', u.id, 'email', u.email, 'name', u.name) ORDER BY lower(u.name), u.id)
        FROM team_member m JOIN app_user u ON u.id = m."user" AND u.active WHERE m.team = k.id) AS members
FROM team k
"""


async def teams(*, ended: bool = True) -> list[Team]:
    """Every team by name, those that ended last; without them when they are of no use."""
    rows = await fetch(
        f"{TEAMS} WHERE $1 OR k.ended_at IS NULL ORDER BY k.ended_at IS NOT NULL, lower(k.name), k.id LIMIT {MOST}",
        ended,
    )
    return [_team(row) for row in rows]


async def team(id: int) -> Team:
    """One team. Raises NotFound."""
    row = await fetchrow(f"{TEAMS} WHERE k.id = $1", id)
    if row is None:
        raise NotFound()
    return _team(row)


def _team(row: Any) -> Team:
    members = msgspec.json.decode(row["members"], type=tuple[Member, ...]) if row["members"] else ()
    return Team(row["id"], row["code"], row["name"], row["ended"], members)


async def team_problems(regulation: Regulation) -> tuple[Problem, ...]:
    """The steps that tell a team which is not there."""
    named = tuple(teams_of(regulation))
    if not named:
        return ()
    rows = await fetch(
        "SELECT code FROM team WHERE code = ANY($1) AND ended_at IS NULL", sorted({code for _place, code in named})
    )
    known = {row["code"] for row in rows}
    sentence = _("There is no team with the code {code}.")
    return tuple(Problem(place, sentence, {"code": code}) for place, code in named if code not in known)


@retried
async def add_team(code: str, *, name: str, members: Sequence[int] = (), by: Actor, at: datetime) -> int:
    """Make a team; its id. Raises AlreadyThere and WrongFields."""
    code, name = code.strip().lower(), _name(name)
    if not TEAM_CODE.fullmatch(code):
        raise WrongFields(
            [FieldError("code", _("A code has small Latin letters, digits and hyphens, at most 40."), {})]
        )
    try:
        async with DB.transaction(allow_nested=False):
            id: int = await fetchval(
                "INSERT INTO team (code, name, created_at) VALUES ($1, $2, $3) RETURNING id", code, name, at
            )
            await _set_members(id, members)
            await config_journal.note(
                by=by, at=at, act="team.add", subject=code, data={"name": name, "members": sorted(members)}
            )
    except asyncpg.UniqueViolationError:
        raise AlreadyThere(value=code) from None
    return id


@retried
async def change_team(
    id: int,
    *,
    name: str | None = None,
    members: Sequence[int] | None = None,
    ended: bool | None = None,
    by: Actor,
    at: datetime,
) -> None:
    """Change what is named; the rest stays. Raises NotFound and WrongFields."""
    name = None if name is None else _name(name)
    async with DB.transaction(allow_nested=False):
        before = await fetchrow("SELECT code, name, ended_at FROM team WHERE id = $1 FOR UPDATE", id)
        if before is None:
            raise NotFound()
        was = await fetchval('SELECT array_agg("user" ORDER BY "user") FROM team_member WHERE team = $1', id) or []
        if name is not None:
            await execute("UPDATE team SET name = $2 WHERE id = $1", id, name)
        if ended is not None:
            await execute(
                "UPDATE team SET ended_at = CASE WHEN $2 THEN coalesce(ended_at, $3) END WHERE id = $1", id, ended, at
            )
        if members is not None:
            await _set_members(id, members)
        told = {
            "before": {"name": before["name"], "members": was, "ended": before["ended_at"] is not None},
            "after": {
                given: value
                for given, value in (
                    ("name", name), ("members", None if members is None else sorted(set(members))), ("ended", ended)
                )
                if value is not None
            },
        }  # fmt: skip
        await config_journal.note(by=by, at=at, act="team.change", subject=before["code"], data=told)


async def _set_members(team: int, members: Sequence[int]) -> None:
    """Exactly these belong to the team. Raises WrongFields for who is no active colleague."""
    known = await fetch("SELECT id FROM app_user WHERE active AND id = ANY($1)", list(members))
    if missing := sorted(set(members) - {row["id"] for row in known}):
        named = {"value": ", ".join(map(str, missing))}
        raise WrongFields([FieldError("members", _("No active colleague is called “{value}”."), named)])
    await execute('DELETE FROM team_member WHERE team = $1 AND "user" <> ALL($2)', team, list(members))
    await execute(
        'INSERT INTO team_member (team, "user") SELECT $1, given FROM unnest($2::bigint[]) AS given '
        "ON CONFLICT DO NOTHING",
        team, list(members),
    )  # fmt: skip


def _name(name: str) -> str:
    name = line("name", name)
    if len(name) > LONGEST_NAME:
        most = {"most": str(LONGEST_NAME)}
        raise WrongFields([FieldError("name", _("This is too long: at most {most} characters."), most)])
    return name
