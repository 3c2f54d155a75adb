"""What colleagues are told, and by which way each of them wants it: by mail, under the bell, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from service import config_journal
from service.actors import Actor
from service.database import DB, execute, fetch, fetchval, retried
from service.paging import capped, cursor_of, cut, place_of
from workflow.definition import STAFF
from workflow.errors import FieldError, NotFound, WrongFields, no_choice
from workflow.process import PROCESS
from workflow.words import _

MAIL, BELL = "mail", "bell"
WAYS: Mapping[str, str] = {MAIL: _("by mail"), BELL: _("under the bell")}

DEADLINE, ASSIGNED, CUSTOMER, MINE, WATCHED = "deadline", "assigned", "customer", "mine", "watched"


class Kind(msgspec.Struct, frozen=True):
    """One kind of notice: what it is about, the ways it goes as usual, and whether one of them must stay open."""

    code: str
    label: str
    why: str  # in a word or two, beside a notice
    usual: tuple[str, ...] = (BELL,)
    needed: bool = False


KINDS = (
    Kind(DEADLINE, _("What the regulation tells me: warnings, escalations, breaches, reminders that came due"),
         _("the regulation"), usual=(MAIL, BELL), needed=True),
    Kind(ASSIGNED, _("A ticket is given to me, or taken from me"), _("handed over")),
    Kind(CUSTOMER, _("The customer wrote or decided on a ticket of mine"), _("the customer")),
    Kind(MINE, _("Whatever else others do on a ticket of mine, and a letter that came back"), _("your ticket")),
    Kind(WATCHED, _("Whatever happens on a ticket I watch"), _("you watch it")),
)  # fmt: skip
BY_CODE = {kind.code: kind for kind in KINDS}

COUNTED = 99  # unread notices; beyond it the bell says "99+"
# Rides along with the read of the session, so that the bell costs no page a statement.
UNREAD = capped('notice n WHERE n."user" = {user} AND n.read_at IS NULL', COUNTED)


class Reader(msgspec.Struct, frozen=True):
    """Somebody who may be told: a colleague, or with `id` None a plain address, which takes mail only."""

    id: int | None
    email: str
    language: str
    ways: Mapping[str, Sequence[str]] = {}
    watches: bool = False

    def wants(self, kind: str, way: str) -> bool:
        if self.id is None:
            return way == MAIL
        return way in self.ways.get(kind, BY_CODE[kind].usual)


# Who has a ticket and who watches it, as one value beside the row of `ticket t`: no read of its own.
STAFF_ROLES = ", ".join(f"'{role.value}'" for role in sorted(STAFF))
AUDIENCE = f"""
(SELECT json_agg(json_build_object('id', u.id, 'email', u.email, 'language', u.language, 'ways', u.notices,
                                   'watches', a.watches))
 FROM (SELECT t.assignee AS "user", false AS watches WHERE t.assignee IS NOT NULL
       UNION ALL SELECT w."user", true FROM ticket_watch w WHERE w.ticket = t.id) AS a
 JOIN app_user u ON u.id = a."user" AND u.active AND u.role IN ({STAFF_ROLES})) AS audience
"""


def read_audience(value: str | None) -> tuple[Reader, ...]:
    """The people of a row of `AUDIENCE`, each once."""
    readers: dict[int | None, Reader] = {}
    for reader in msgspec.json.decode(value, type=list[Reader]) if value else ():
        if reader.watches or reader.id not in readers:
            readers[reader.id] = reader
    return tuple(readers.values())


def concerned(
    trigger: str, audience: Sequence[Reader], *, by: Actor, before: str, after: str, told: Sequence[Reader] | None
) -> Iterator[tuple[Reader, str]]:
    """Whom an act concerns, each once, with the kind of notice; nobody is told of what they did themselves.

    `before` and `after` are the assignee's id around the act. `told` are those whom the regulation told of it: then
    the assignee hears of it only if the regulation says so.
    """
    move = PROCESS.by_trigger.get(trigger)
    if move is None or move.quiet:
        return
    known = {reader.id for reader in told or ()}
    for reader in audience:
        id = str(reader.id)
        if id == by.user or reader.id in known:
            continue
        if before != after and id in (before, after):
            yield reader, ASSIGNED
        elif id == after and told is None:
            yield reader, CUSTOMER if by.kind == "customer" else MINE
        elif reader.watches:
            yield reader, WATCHED


# --- under the bell ---------------------------------------------------------------------------------------------------


class Notice(msgspec.Struct, frozen=True):
    """One notice: what was done on which ticket; without a ticket it tells of a held mail that has waited too long.

    `body` are the hashed bytes of the entry it tells of.
    """

    id: int
    kind: str
    at: datetime
    read_at: datetime | None
    mail: UUID | None
    ticket: UUID | None
    number: str | None
    subject: str
    regulation_version: int
    seq: int
    trigger: str
    from_state: str | None
    to_state: str
    actor_kind: str
    actor_name: str
    body: bytes


PLACE = msgspec.json.Decoder(tuple[int])
PAGE = """
SELECT n.id, n.kind, n.at, n.read_at, n.mail, n.ticket, t.number, coalesce(t.subject, '') AS subject,
       coalesce(t.regulation_version, 0) AS regulation_version, n.seq, coalesce(j.trigger, '') AS trigger, j.from_state,
       coalesce(j.to_state, '') AS to_state, coalesce(j.actor_kind, '') AS actor_kind,
       coalesce(j.actor_name, '') AS actor_name, coalesce(j.body, '') AS body
FROM notice n LEFT JOIN ticket t ON t.id = n.ticket LEFT JOIN journal j ON j.ticket = n.ticket AND j.seq = n.seq
WHERE n."user" = $1 AND n.id < $2 AND (NOT $3 OR n.read_at IS NULL) ORDER BY n.id DESC LIMIT $4
"""


async def notices(
    user: int, *, limit: int, unread: bool = False, cursor: str | None = None
) -> tuple[list[Notice], str | None]:
    """A page of what somebody was told, the newest first."""
    place = place_of(cursor, PLACE)
    rows = await fetch(PAGE, user, max(0, min(place[0], 2**62)) if place else 2**62, unread, limit + 1)
    page, more = cut([Notice(**row) for row in rows], limit)
    return page, cursor_of(page[-1].id) if more else None


async def notice(user: int, id: int) -> Notice:
    """One of somebody's own notices. Raises NotFound for any other."""
    rows = await fetch(PAGE, user, min(id, 2**62) + 1, False, 1)
    if not rows or rows[0]["id"] != id:
        raise NotFound()
    return Notice(**rows[0])


async def mark_read(user: int, *, at: datetime, until: int) -> int:
    """All of somebody's notices up to this one are read; what came after it stays. How many that were."""
    return await execute(
        'UPDATE notice SET read_at = $2 WHERE "user" = $1 AND read_at IS NULL AND id <= $3',
        user, at, max(0, min(until, 2**62)),
    )  # fmt: skip


async def mark_one(user: int, id: int, *, read: bool, at: datetime) -> None:
    """One of somebody's own notices is read, or unread again. Raises NotFound for any other."""
    if not await execute(
        'UPDATE notice SET read_at = $3 WHERE "user" = $1 AND id = $2', user, min(id, 2**62), at if read else None
    ):
        raise NotFound()


async def ring_for_mail(mail: UUID, readers: Sequence[Reader], *, at: datetime) -> None:
    """A held mail has waited too long: put it under the bell of those who want it there."""
    users = [reader.id for reader in readers if reader.id is not None and reader.wants(DEADLINE, BELL)]
    await execute(
        'INSERT INTO notice ("user", kind, mail, seq, at) SELECT told, $2, $3, 0, $4 FROM unnest($1::bigint[]) AS told',
        users, DEADLINE, mail, at,
    )  # fmt: skip


# --- who wants what ---------------------------------------------------------------------------------------------------


async def ways_of(user: int) -> dict[str, tuple[str, ...]]:
    """By which ways each kind of notice reaches somebody. Raises NotFound."""
    kept = await fetchval("SELECT notices FROM app_user WHERE id = $1", user)
    if kept is None:
        raise NotFound()
    chosen = msgspec.json.decode(kept, type=dict[str, tuple[str, ...]])
    return {kind.code: chosen.get(kind.code, kind.usual) for kind in KINDS}


@retried
async def choose_ways(user: int, ways: Mapping[str, Sequence[str]], *, by: Actor, at: datetime) -> None:
    """Change where the named kinds go; the others stay. Raises NotFound, and WrongFields: what the regulation demands
    to be told must reach its reader somehow."""
    wrong = [FieldError(code, _("There is no such kind of notice."), {}) for code in ways if code not in BY_CODE]
    for code, chosen in ways.items():
        if unknown := [way for way in chosen if way not in WAYS]:
            wrong.append(no_choice(code, unknown, WAYS))
        elif not chosen and code in BY_CODE and BY_CODE[code].needed:
            wrong.append(FieldError(code, _("The regulation demands that you are told: choose at least one way."), {}))
    if wrong:
        raise WrongFields(wrong)
    told = {code: [way for way in WAYS if way in chosen] for code, chosen in ways.items()}
    async with DB.transaction(allow_nested=False):
        email = await fetchval(
            "UPDATE app_user SET notices = notices || $2::jsonb WHERE id = $1 RETURNING email",
            user, msgspec.json.encode(told).decode(),
        )  # fmt: skip
        if email is None:
            raise NotFound()
        await config_journal.note(by=by, at=at, act="user.notices", subject=email, data=told)
