"""The filters of the queue, read from an address; what names nothing known is left out."""

from __future__ import annotations

from collections.abc import Iterable

from admin.desk.listing import Asked
from service.whole_numbers import whole_number
from workflow.process import PROCESS

SWITCHES = ("overdue", "soon", "unregistered", "unread", "closed", "nearest")
LONGEST_WORDS = 200


def asked_from(query: Iterable[tuple[str, str]]) -> Asked:
    """What a query asks for."""
    given: dict[str, list[str]] = {}
    for name, value in query:
        given.setdefault(name, []).append(value)

    def last(name: str) -> str:
        return given.get(name, [""])[-1]

    known = {state.name for state in PROCESS.states}
    return Asked(
        states=tuple(state for state in dict.fromkeys(given.get("state", [])) if state in known),
        priorities=tuple(code for code in dict.fromkeys(given.get("priority", [])) if code.isprintable())[:20],
        assignee=_id_or(last("assignee"), "nobody"),
        team=_id_or(last("team")),
        watcher=_id_or(last("watcher")),
        organisation=_id_or(last("organisation")),
        q=cleaned(last("q")),
        **{name: last(name) == "1" for name in SWITCHES},
    )


def cleaned(words: str) -> str:
    """Words as they can be looked for."""
    return " ".join(words.replace("\x00", "").split())[:LONGEST_WORDS]


def _id_or(value: str, *words: str) -> str:
    return value if value in words or whole_number(value) is not None else ""
