"""The journal of the configuration for administrators: who signed in, who got which rights, who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Response, get

from admin.navigation import ROLE_NAMES
from admin.pages import render, url
from admin.reader import reading
from admin.reading import AnyRequest
from service import config_journal
from service.auth import ADMINISTRATORS, requires
from service.config_journal import Noted, Wanted
from service.whole_numbers import whole_number
from service.words import Language, translate
from workflow.words import _

LOOK: Final = requires(*ADMINISTRATORS, scope="tokens:manage")
HERE: Final = "/config-journal"
PAGE: Final = 50
ROLES: Mapping[str, str] = {role.value: name for role, name in ROLE_NAMES.items()}

# The beginning of an act, which is what the tabs choose by.
FOLDERS: Mapping[str, str] = {
    "": _("Everything"),
    "session": _("Sign-ins"),
    "user": _("Colleagues"),
    "token": _("Tokens"),
    "customer": _("Customers"),
    "regulation": _("Regulation"),
    "webhook": _("Webhooks"),
}
THINGS: Mapping[str, str] = {
    "alarm": _("Alarm"), "contact": _("Contact"), "contract": _("Contract"), "customer": _("Cabinet"),
    "customers": _("Customers"), "dossier": _("Dossier"), "letter": _("Letter"), "mail": _("Held mail"),
    "organisation": _("Organisation"), "regulation": _("Regulation"), "session": _("Sign-in"), "team": _("Team"),
    "ticket": _("Ticket"), "token": _("Token"), "user": _("Account"), "webhook": _("Webhook"),
}  # fmt: skip
DEEDS: Mapping[str, str] = {
    "absence": _("absence"), "add": _("added"), "begin": _("draft begun"), "change": _("changed"),
    "clear": _("cleared"), "close": _("signed out"), "disable": _("switched off"), "discard": _("draft thrown away"),
    "dropped": _("dropped"), "enable": _("switched on"), "end": _("ended for somebody else"),
    "erase": _("erased"), "import": _("taken from a table"),
    "invitation": _("opened by invitation"), "invite": _("invited"), "join": _("joined"),
    "learn_sender": _("sender learnt"),
    "make": _("made"), "merge": _("merged"), "notices": _("notices chosen"),
    "open": _("signed in"), "password": _("new password"),
    "publish": _("published"), "read_again": _("read again"), "rebase": _("draft follows the newest"),
    "refused": _("refused"), "registration": _("opened by registration"), "release": _("let go"),
    "replay": _("sent again"), "resend": _("sent again"), "reset": _("password asked anew"), "revoke": _("revoked"),
    "rights": _("rights"), "rotate": _("fresh secret"), "save": _("draft saved"), "spam": _("set aside as spam"),
    "held": _("taken back"), "subscribe": _("subscribed"), "ticket": _("became a ticket"),
    "uninvite": _("invitation taken back"),
    "unsubscribe": _("unsubscribed"), "unwatch": _("not watched any more"), "watch": _("watched"),
}  # fmt: skip
ACTORS: Mapping[str, str] = {
    "staff": _("colleague"), "token": _("program"), "customer": _("customer"), "clock": _("the system"),
}  # fmt: skip
FACTS: Mapping[str, str] = {
    "active": _("may sign in"), "addresses": _("addresses"), "after": _("after"), "before": _("before"),
    "code": _("code"), "domains": _("domains"), "email": _("address"), "event_types": _("events"),
    "filters": _("filters"), "from": _("from"), "full_name": _("name"), "id": _("number"), "language": _("language"),
    "members": _("members"), "name": _("name"), "organisation": _("organisation"), "phone": _("phone"),
    "position": _("position"), "reason": _("reason"), "role": _("role"), "scopes": _("scopes"), "sees": _("sees"),
    "sessions": _("sign-ins ended"), "until": _("until"), "url": _("address"),
}  # fmt: skip
VALUES: Mapping[tuple[str, str], str] = {
    ("sees", "own"): _("own tickets"), ("sees", "organisation"): _("all tickets"),
}  # fmt: skip


@get(HERE, guards=[LOOK])
async def config_journal_page(request: AnyRequest) -> Response[str]:
    """The newest first; narrowed by kind, by who acted and by what it was about."""
    reader = await reading(request)
    asked = {name: request.query_params.get(name, "") for name in ("act", "actor", "subject")}
    act = asked["act"] if asked["act"] in FOLDERS else ""
    before = whole_number(request.query_params.get("before", ""))
    rows = await config_journal.noted(
        Wanted(act=act, actor=asked["actor"], subject=asked["subject"]),
        limit=PAGE + 1,
        before=before,
    )
    kept = asked | {"act": act}
    return render(
        "config_journal/list.html",
        reader,
        found=[(one, _said(one, reader.language), _details(one.data, reader.language)) for one in rows[:PAGE]],
        actors={kind: translate(reader.language, said) for kind, said in ACTORS.items()},
        tabs=[
            (translate(reader.language, label), url(HERE, **(kept | {"act": name})), name == act, None)
            for name, label in FOLDERS.items()
        ],
        asked=kept,
        filtered=any(kept.values()),
        next_href=url(HERE, **kept, before=rows[PAGE - 1].id) if len(rows) > PAGE else "",
        first_href=url(HERE, **kept) if before is not None else "",
    )


def _said(one: Noted, language: Language) -> str:
    """The act in words; one nobody has named yet stands as it is."""
    first, _dot, rest = one.act.partition(".")
    last = rest.rpartition(".")[2]
    if first not in THINGS or last not in DEEDS:
        return one.act
    return f"{translate(language, THINGS[first])}: {translate(language, DEEDS[last])}"


def _details(data: Mapping[str, Any], language: Language) -> str:
    """What was noted with it, on one line."""
    told = {name: value for name, value in data.items() if value not in ("", None, [], {})}
    return "; ".join(_fact(name, value, language) for name, value in told.items())


def _fact(name: str, value: Any, language: Language) -> str:
    said = translate(language, FACTS[name]) if name in FACTS else name
    if isinstance(value, str) and (known := VALUES.get((name, value))):
        return f"{said}: {translate(language, known)}"
    return f"{said}: {_word(value, language)}"


def _word(value: Any, language: Language) -> str:
    """A value in a line; what was noted in both languages stands in the reader's own."""
    if isinstance(value, dict) and value.keys() >= {"ru", "en"}:
        return str(value["en" if language == "en" else "ru"])
    if isinstance(value, dict):
        return "(" + ", ".join(_fact(name, one, language) for name, one in value.items()) + ")"
    if isinstance(value, list):
        return ", ".join(_word(one, language) for one in value)
    if isinstance(value, bool):
        return translate(language, _("yes") if value else _("no"))
    return translate(language, ROLES[value]) if value in ROLES else str(value)
