"""Drafts of the regulation: what owners are changing together, before anybody has to obey it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from service import config_journal
from service.actors import Actor
from service.database import DB, execute, fetchrow, retried
from service.differences import told
from service.regulations import SomebodyWasFaster, newest, publish
from workflow.carrying_over import Choice
from workflow.errors import NotFound
from workflow.regulation import Regulation, dump, load
from workflow.words import _


class Draft(msgspec.Struct, frozen=True):
    """A regulation being edited. `revision` grows with each save; `based_on` is the version it will follow."""

    id: int
    document: Regulation
    based_on: int
    revision: int
    author: str
    changed_at: datetime


COLUMNS = "id, document, based_on, revision, author, changed_at"


async def open_draft() -> Draft | None:
    """The draft that is being edited, if any: all owners work on one."""
    row = await fetchrow(f"SELECT {COLUMNS} FROM regulation_draft ORDER BY id DESC LIMIT 1")
    return _read(row) if row else None


@retried
async def begin(*, by: Actor, at: datetime, copy_of: int | None = None) -> Draft:
    """The open draft; where there is none, a new one: the newest version, or an older one brought back.

    Raises NotFound for a version that was never published, SomebodyWasFaster when an older version is to be brought
    back over a draft that is open.
    """
    async with DB.transaction(allow_nested=False):
        # Two owners who begin at the same moment get one draft.
        await execute("LOCK TABLE regulation_draft IN SHARE ROW EXCLUSIVE MODE")
        found = await open_draft()
        if found is not None and copy_of is None:
            return found
        if found is not None:
            raise SomebodyWasFaster(who=found.author)
        version, document = await newest()
        if copy_of is not None:
            document = await document_of(copy_of)
        row = await fetchrow(
            "INSERT INTO regulation_draft (name, document, based_on, revision, author, changed_at) "
            f"VALUES ('', $1, $2, 1, $3, $4) RETURNING {COLUMNS}",
            dump(document).decode(), version, by.name, at,
        )  # fmt: skip
        draft = _read(row)
        await _note("begin", draft, by=by, at=at, copy_of=copy_of)
    return draft


@retried
async def save(draft: Draft, document: Regulation, *, by: Actor, at: datetime) -> Draft:
    """Keep what was changed in the draft, with the difference in the configuration journal.

    Raises SomebodyWasFaster when another person saved since `draft` was read.
    """
    changes = told(draft.document, document)
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(
            "UPDATE regulation_draft SET document = $3, revision = revision + 1, author = $4, changed_at = $5 "
            f"WHERE id = $1 AND revision = $2 RETURNING {COLUMNS}",
            draft.id, draft.revision, dump(document).decode(), by.name, at,
        )  # fmt: skip
        saved = await _changed(row, draft)
        await _note("save", saved, by=by, at=at, changes=changes)
    return saved


@retried
async def rebase(draft: Draft, *, by: Actor, at: datetime) -> Draft:
    """Let the draft follow the newest version, after another was published meanwhile. Raises SomebodyWasFaster."""
    async with DB.transaction(allow_nested=False):
        version, _document = await newest()
        row = await fetchrow(
            "UPDATE regulation_draft SET based_on = $3, revision = revision + 1, author = $4, changed_at = $5 "
            f"WHERE id = $1 AND revision = $2 RETURNING {COLUMNS}",
            draft.id, draft.revision, version, by.name, at,
        )  # fmt: skip
        rebased = await _changed(row, draft)
        await _note("rebase", rebased, by=by, at=at)
    return rebased


@retried
async def discard(draft: Draft, *, by: Actor, at: datetime) -> None:
    """Throw the draft away. Raises SomebodyWasFaster when another person saved it meanwhile."""
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(
            f"DELETE FROM regulation_draft WHERE id = $1 AND revision = $2 RETURNING {COLUMNS}",
            draft.id, draft.revision,
        )  # fmt: skip
        await _note("discard", await _changed(row, draft), by=by, at=at)


async def publish_draft(
    draft: Draft,
    *,
    by: Actor,
    at: datetime,
    effective_at: datetime | None = None,
    note: str = "",
    open_tickets: Choice = "keep",
) -> int:
    """Make the draft the next version, and end it; the version's number.

    Raises NotPublishable, and SomebodyWasFaster when the draft changed or another version was published meanwhile.
    """
    current = await open_draft()
    if current is None or (current.id, current.revision) != (draft.id, draft.revision):
        raise SomebodyWasFaster(who=current.author if current else _("Somebody"))
    version = await publish(
        current.document, based_on=current.based_on, by=by, at=at, effective_at=effective_at, note=note,
        open_tickets=open_tickets,
    )  # fmt: skip
    # Saved by another person in this very moment, it stays: it then follows a version that is no longer the newest.
    await execute("DELETE FROM regulation_draft WHERE id = $1 AND revision = $2", draft.id, draft.revision)
    return version


async def document_of(version: int) -> Regulation:
    """The document of a published version. Raises NotFound."""
    row = await fetchrow("SELECT document FROM regulation WHERE version = $1", version)
    if row is None:
        raise NotFound(_("There is no version {version} of the regulation."), version=str(version))
    return load(row["document"])


async def _changed(row: Any, draft: Draft) -> Draft:
    """The row of a change that hit; raises SomebodyWasFaster, with the name, when it did not."""
    if row is not None:
        return _read(row)
    current = await fetchrow("SELECT author FROM regulation_draft WHERE id = $1", draft.id)
    raise SomebodyWasFaster(who=current["author"] if current else _("Somebody"))


async def _note(act: str, draft: Draft, *, by: Actor, at: datetime, **data: Any) -> None:
    facts = {"revision": draft.revision, "based_on": draft.based_on} | {k: v for k, v in data.items() if v}
    await config_journal.note(by=by, at=at, act=f"regulation.draft.{act}", subject=f"draft {draft.id}", data=facts)


def _read(row: Any) -> Draft:
    return Draft(
        id=row["id"], document=load(row["document"]), based_on=row["based_on"], revision=row["revision"],
        author=row["author"], changed_at=row["changed_at"],
    )  # fmt: skip
