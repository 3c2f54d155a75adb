"""The regulation's versions: which one is in force, and how a draft becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from service import bell, config_journal
from service.actors import Actor
from service.announcements import announce
from service.database import DB, execute, fetch, fetchrow, retried
from service.differences import told
from service.event_catalogue import PUBLISHED
from service.letter_language import letter_problems
from service.teams import team_problems
from workflow.carrying_over import Choice
from workflow.errors import NotFound, Refusal
from workflow.examples import failed_examples
from workflow.regulation import Problem, Regulation, Rulebook, default_regulation, dump, load, problems
from workflow.words import _


class NotPublishable(Refusal):
    """The draft breaks a check or one of its own examples; `problems` says where."""

    code = "not_publishable"
    sentence = _("The draft cannot be published yet: {problems}")

    def __init__(self, found: Sequence[Problem]) -> None:
        self.problems = tuple(found)
        super().__init__(problems=" ".join(problem.sentence.format(**problem.params) for problem in found))


class SomebodyWasFaster(Refusal):
    """Another person saved the draft or published a version meanwhile."""

    code = "somebody_was_faster"
    sentence = _("{who} changed this meanwhile. Compare before you go on.")


class PublishedRulebooks:
    """Rulebooks by version. A published version never changes, so one that is known stays known."""

    def __init__(self) -> None:
        self._known: dict[int, Rulebook] = {}

    def __getitem__(self, version: int) -> Rulebook:
        return self._known[version]

    async def know(self, version: int) -> Rulebook:
        """The rulebook of `version`; on first sight every version not yet known is loaded."""
        if version not in self._known:
            for row in await fetch(
                "SELECT version, document FROM regulation WHERE version <> ALL($1)", list(self._known)
            ):
                self._known[row["version"]] = Rulebook(row["version"], load(row["document"]))
        return self._known[version]

    def forget(self) -> None:
        """Know nothing again: the database behind this process became another one."""
        self._known.clear()


RULEBOOKS = PublishedRulebooks()

# The version in force at an instant; as a subquery it rides along with the read that locks a ticket.
IN_FORCE = "SELECT version FROM regulation WHERE effective_at <= {at} ORDER BY version DESC LIMIT 1"


async def in_force(*, at: datetime) -> Rulebook:
    """The rulebook in force at `at`. Raises NotFound before the first version was published."""
    row = await fetchrow(IN_FORCE.format(at="$1"), at)
    if row is None:
        raise NotFound(_("No regulation has been published yet."))
    return await RULEBOOKS.know(row["version"])


@retried
async def publish_default(*, at: datetime, language: str = "ru") -> bool:
    """Publish the regulation that ships with the product, where none has been published; whether it was needed."""
    author = "Reglament"
    return bool(
        await execute(
            "INSERT INTO regulation (version, document, effective_at, published_at, author, note, open_tickets) "
            "VALUES (1, $1, '2000-01-01T00:00:00Z', $2, $3, '', 'keep') ON CONFLICT DO NOTHING",
            dump(default_regulation()).decode(),
            at,
            author,
        )
    )


def obstacles(regulation: Regulation) -> tuple[Problem, ...]:
    """Everything that keeps a document from being published: its own checks first, then its worked examples."""
    return (*problems(regulation), *letter_problems(regulation)) or failed_examples(regulation)


async def all_obstacles(regulation: Regulation) -> tuple[Problem, ...]:
    """The same, and what only this installation knows: teams that are not there."""
    return obstacles(regulation) or await team_problems(regulation)


@retried
async def publish(
    regulation: Regulation,
    *,
    based_on: int,
    by: Actor,
    at: datetime,
    effective_at: datetime | None = None,
    note: str = "",
    open_tickets: Choice = "keep",
) -> int:
    """Make `regulation` the next version, in force from `effective_at` (default: now); its number.

    What becomes of open tickets is carried out by a worker once the version is in force (`service.republishing`).
    Raises NotPublishable, and SomebodyWasFaster when `based_on` is not the newest version: of two who publish at once
    one wins, the other is told.
    """
    if found := await all_obstacles(regulation):
        raise NotPublishable(found)
    starts = max(effective_at or at, at)
    try:
        async with DB.transaction(allow_nested=False):
            newest = await fetchrow("SELECT version, author, document FROM regulation ORDER BY version DESC LIMIT 1")
            if newest["version"] != based_on:
                raise SomebodyWasFaster(who=newest["author"])
            version: int = newest["version"] + 1
            await execute(
                "INSERT INTO regulation (version, document, effective_at, published_at, author, note, open_tickets) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                version, dump(regulation).decode(), starts, at, by.name, note, open_tickets,
            )  # fmt: skip
            await execute(
                "INSERT INTO republication (version, choice, starts_at) VALUES ($1, $2, $3)",
                version, open_tickets, starts,
            )  # fmt: skip
            facts = {
                "version": version, "effective_at": starts.astimezone(UTC), "note": note, "open_tickets": open_tickets,
                "changes": told(load(newest["document"]), regulation),
            }  # fmt: skip
            await config_journal.note(
                by=by, at=at, act="regulation.publish", subject=f"regulation {version}", data=facts
            )
            event = {"version": version, "effective_at": starts.astimezone(UTC), "open_tickets": open_tickets}
            await announce(PUBLISHED, f"evt_regulation_{version}", event | {"actor": by.kind}, at=at)
    except asyncpg.UniqueViolationError as faster:
        raise SomebodyWasFaster(who=_("Somebody")) from faster
    await bell.ring("send_webhooks")
    return version


async def versions() -> list[dict[str, Any]]:
    """Every published version, the newest first, without the documents.

    A version is `passed_over` when a later one takes effect no later: it never comes into force.
    """
    rows = await fetch(
        "SELECT version, effective_at, published_at, author, note, open_tickets, "
        "coalesce(min(effective_at) OVER later <= effective_at, false) AS passed_over FROM regulation "
        "WINDOW later AS (ORDER BY version DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) ORDER BY version DESC"
    )
    return [dict(row) for row in rows]


async def document(version: int | None, *, at: datetime) -> Regulation:
    """A published document; the one in force at `at` without a number. Raises NotFound."""
    if version is None:
        return (await in_force(at=at)).regulation
    row = await fetchrow("SELECT document FROM regulation WHERE version = $1", version)
    if row is None:
        raise NotFound(_("There is no version {version} of the regulation."), version=str(version))
    return load(row["document"])


async def newest() -> tuple[int, Regulation]:
    """The newest published version, in force already or not."""
    row = await fetchrow("SELECT version, document FROM regulation ORDER BY version DESC LIMIT 1")
    if row is None:
        raise NotFound(_("No regulation has been published yet."))
    return row["version"], load(row["document"])
