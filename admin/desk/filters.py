"""What stands above the queue: the strip of figures, the filters as chips, and how they stand in the address."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from admin.desk import listing, reads
from admin.desk.around import Strip
from admin.desk.asked import SWITCHES
from admin.pages import Reading, url
from service.words import Language, relative, translate
from workflow.definition import OPERATORS, Role
from workflow.process import PROCESS
from workflow.words import _

PATH = "/desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One count of the strip, and the address of what it counts."""

    count: int  # no further than COUNTED + 1
    label: str
    href: str
    tone: str
    note: str = ""
    on: bool = False


def figures(strip: Strip, asked: listing.Asked, reader: Reading) -> tuple[Figure, ...]:
    """What needs eyes now, each figure a link to its tickets."""
    oldest = strip.oldest and relative(reader.language, strip.oldest, at=reader.at, zone=reader.zone)
    return _figures(strip, oldest or "", asked, reader.language)


@lru_cache(maxsize=256)
def _figures(strip: Strip, oldest: str, asked: listing.Asked, language: Language) -> tuple[Figure, ...]:
    def t(msgid: str, **params: object) -> str:
        return translate(language, msgid, **params)

    waiting = set(asked.states) == set(listing.WAITING)
    unregistered_tone = "warning" if strip.unregistered else "plain"
    return (
        Figure(count=strip.unregistered, label=t(_("Not registered yet")), tone=unregistered_tone,
               href=url(PATH, unregistered="1"), on=asked.unregistered,
               note=t(_("the oldest: {moment}"), moment=oldest) if oldest else ""),
        Figure(count=strip.soon, label=t(_("Due within the hour")), tone="warning",
               href=url(PATH, soon="1"), on=asked.soon),
        Figure(count=strip.overdue, label=t(_("Deadline missed")), tone="late",
               href=url(PATH, overdue="1"), on=asked.overdue),
        Figure(count=strip.waiting, label=t(_("Awaiting the customer")), tone="paused",
               href=url(PATH, state=listing.WAITING), on=waiting),
        Figure(count=strip.unread, label=t(_("Completed, answer unread")), tone="warning",
               href=url(PATH, unread="1"), on=asked.unread),
        Figure(count=strip.held, label=t(_("Held mail")), tone="warning", href="/desk/held"),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A filter: on, with the address without it; or off, with the address with it."""

    label: str
    href: str
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is asked for, and what else may be; `organisation` is the name of the one whose tickets are asked for.

    Equal ones look alike, so that they are drawn once.
    """

    asked: listing.Asked
    language: Language
    priorities: tuple[str, ...]
    user: str  # whose tickets are "mine"
    people: tuple[reads.Person, ...]
    organisation: str

    @property
    def chips(self) -> list[list[Chip]]:
        """In groups; those that are on come out again by a click."""
        asked, user = self.asked, self.user
        states = [state for state in PROCESS.states if not state.final]
        people = [
            self._chip(self._t(_("Mine")), "assignee", user, on=asked.assignee == user),
            self._chip(self._t(_("Nobody's")), "assignee", "nobody", on=asked.assignee == "nobody"),
            self._chip(self._t(_("I watch")), "watcher", user, on=asked.watcher == user),
        ]
        names = {str(person.id): person.name for person in self.people}
        if asked.assignee not in ("", "nobody", user):
            people.append(self._chip(names.get(asked.assignee, asked.assignee), "assignee", asked.assignee, on=True))
        if asked.watcher not in ("", user):
            said = self._t(_("watched by {name}"), name=names.get(asked.watcher, asked.watcher))
            people.append(self._chip(said, "watcher", asked.watcher, on=True))
        if asked.team:
            called = dict(self.teams).get(asked.team, asked.team)
            people.append(self._chip(self._t(_("team {name}"), name=called), "team", asked.team, on=True))
        others = [
            self._chip(self._t(_("Late")), "overdue", "1", on=asked.overdue),
            self._chip(self._t(_("Closed")), "closed", "1", on=asked.closed),
        ]
        for name, label in (
            ("unregistered", _("Not registered yet")),
            ("soon", _("Due within the hour")),
            ("unread", _("An unread answer")),
        ):
            if getattr(asked, name):
                others.append(self._chip(self._t(label), name, "1", on=True))
        if asked.organisation:
            called = self.organisation or asked.organisation
            others.append(self._chip(called, "organisation", asked.organisation, on=True))
        if asked.q:
            others.append(self._chip(f"«{asked.q}»", "q", asked.q, on=True))
        return [
            [self._chip(self._t(state.label), "state", state.name, on=state.name in asked.states) for state in states],
            [self._chip(code, "priority", code, on=code in asked.priorities) for code in self.priorities],
            people,
            others,
        ]

    @property
    def orders(self) -> list[Chip]:
        """How the open tickets may stand; found and closed ones have one order."""
        if self.asked.order == "newest":
            return []
        now, nearest = query(self.asked), self.asked.nearest
        return [
            Chip(label=self._t(_("by priority")), href=url(PATH, **(now | {"nearest": ""})), on=not nearest),
            Chip(label=self._t(_("by the nearest deadline")), href=url(PATH, **(now | {"nearest": "1"})), on=nearest),
        ]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the form that asks for a person, a team and an organisation takes over from the address."""
        return [
            (name, one)
            for name, value in query(self.asked).items() if name not in ("assignee", "team", "organisation")
            for one in ([value] if isinstance(value, str) else value) if one
        ]  # fmt: skip

    @property
    def workers(self) -> list[reads.Person]:
        """Those who work on tickets."""
        return [person for person in self.people if Role(person.role) in OPERATORS]

    @property
    def teams(self) -> list[tuple[str, str]]:
        """The teams these people belong to, by name."""
        named = {str(id): name for person in self.people for id, name in person.teams}
        return sorted(named.items(), key=lambda team: team[1].lower())

    def _t(self, msgid: str, **params: object) -> str:
        return translate(self.language, msgid, **params)

    def _chip(self, label: str, name: str, value: str, *, on: bool) -> Chip:
        """Several states or priorities may be on at once; of everything else one."""
        now = query(self.asked)
        chosen = now[name]
        if isinstance(chosen, list):
            now[name] = [one for one in chosen if one != value] if on else [*chosen, value]
        else:
            now[name] = "" if on else value
        return Chip(label=label, href=url(PATH, **now), on=on)


def query(asked: listing.Asked) -> dict[str, str | list[str]]:
    """The filters as they stand in the address."""
    switches = {name: "1" if getattr(asked, name) else "" for name in SWITCHES}
    return {
        "state": list(asked.states), "priority": list(asked.priorities), "assignee": asked.assignee,
        "team": asked.team, "watcher": asked.watcher, "organisation": asked.organisation, "q": asked.q, **switches,
    }  # fmt: skip
