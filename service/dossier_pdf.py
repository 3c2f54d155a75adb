"""The dossier on paper: the same facts as pages, with the sealed JSON inside and a seal over the pages themselves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from service import seals
from service.acts_in_words import ActTeller
from service.correspondence import REQUIRED_FIELDS
from service.dossier import Dossier, DossierFile, DossierMessage, RuleVersion, filename
from service.dossier_check import PDF_FORMAT, PDF_SEAL
from service.passports import CLOCKS
from service.regulation_words import said_target
from service.regulations import RULEBOOKS
from service.schemas import PassportView
from service.words import Language, clock_time, day, file_size, translate, working_duration, zone_name
from workflow.process import CHANNELS, PROCESS, RELATIONS
from workflow.regulation import Rulebook
from workflow.words import _
from workflow.working_calendar import Target

TEMPLATE: Final = Path(__file__).parent / "paper" / "dossier.typ"
PDF: Final = "application/pdf"
LONGEST_TEXT: Final = 20_000  # characters of one message on paper; the JSON holds all of them
UNBROKEN: Final = re.compile(r"\S{40}(?=\S)")  # a word longer than a line may break here
UNPRINTED: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")

# A page takes a second of one core: a queue of them must not take all.
_ONE_AT_A_TIME: Final = asyncio.Semaphore(1)


async def pdf(dossier: Dossier, file: bytes, *, language: Language) -> bytes:
    """The pages in one language; `file` is the sealed JSON, which goes with them."""
    words = _Paper(dossier, language).words()
    async with _ONE_AT_A_TIME:
        pages = await asyncio.to_thread(_set, words, file, dossier.made_at)
    seal = {"algorithm": seals.ALGORITHM, "key": seals.public_key(), "signature": seals.sealed(PDF_FORMAT, pages)}
    return pages + PDF_SEAL + msgspec.json.encode(seal)


def _set(words: Mapping[str, Any], file: bytes, made_at: datetime) -> bytes:
    import typst  # eighty megabytes that only a dossier needs

    inputs = {"data": msgspec.json.encode(words).decode(), "dossier": file.decode()}
    pages: bytes = typst.compile(_template(), format="pdf", sys_inputs=inputs, timestamp=int(made_at.timestamp()))
    return pages


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()


class _Paper:
    """Every word that stands on the pages."""

    def __init__(self, dossier: Dossier, language: Language) -> None:
        self.dossier = dossier
        self.language = language
        self.rules: Rulebook = RULEBOOKS[dossier.ticket.regulation_version]
        self.zone = self.rules.calendar.zone
        numbers = {link.id: link.number for link in dossier.links if link.number}
        self.teller = ActTeller(self.rules, language, people=dossier.people, tickets=numbers)

    def t(self, msgid: str, **params: object) -> str:
        return translate(self.language, msgid, **params)

    def words(self) -> dict[str, Any]:
        made, ticket = self.dossier, self.dossier.ticket
        title = self.t(_("Dossier of ticket {number}"), number=ticket.number or ticket.id)
        return {
            "lang": self.language,
            "title": title,
            "author": made.centre.address,
            "made": self._moment(made.made_at),
            "subject": _printed(ticket.subject) or self.t(_("erased on request")),
            "lead": "\n".join(self._lead()),
            "foot": self.t(_("Times are shown in the zone {zone}."), zone=zone_name(self.language, self.zone)),
            "page": self.t(_("page {n} of {all}"), n="{n}", all="{all}"),
            "attached": {
                "name": filename(made, suffix="json"),
                "description": self.t(_("The same dossier for programs, sealed")),
            },
            "facts": [[label, _printed(value)] for label, value in self._facts() if value],
            "proof": self._proof(),
            "deadlines": {"title": self.t(_("Deadlines")), "items": [self._deadline(one) for one in made.deadlines]},
            "story": {
                "title": self.t(_("What was said and done")),
                "note": self.t(_("Below each act stands its hash: over the hash before it and its own bytes.")),
                "items": list(self._story()),
            },
            "files": {"title": self.t(_("Files")), "items": [self._file(one) for one in made.files]},
            "letters": {"title": self.t(_("Letters sent")), "items": list(self._letters())},
            "links": {"title": self.t(_("Linked tickets")), "items": list(self._links())},
            "rules": [self._rules(one) for one in made.regulations],
        }

    # --- the first page -------------------------------------------------------------------------------------------

    def _lead(self) -> Iterator[str]:
        made = self.dossier
        yield self.t(
            _("Made {moment} by {name}, {centre}."), moment=self._moment(made.made_at), name=made.made_by,
            centre=made.centre.address,
        )  # fmt: skip
        if made.edition == "customer":
            yield self.t(_("Edition for the customer: what colleagues told one another is withheld."))
        else:
            yield self.t(_("Edition for the house: it holds what colleagues told one another."))

    def _facts(self) -> Iterator[tuple[str, str]]:
        ticket = self.dossier.ticket
        priority = self.rules.priorities.get(ticket.priority or "")
        level = self.rules.levels.get(ticket.service_level)
        yield self.t(_("State")), self.t(PROCESS.state(ticket.state).label)
        yield self.t(_("Priority")), priority.name.to(self.language) if priority else ""
        yield self.t(_("Organisation")), ticket.organisation
        yield self.t(_("Contact")), ", ".join(filter(None, (ticket.contact.full_name, ticket.contact.position)))
        yield self.t(_("Phone")), ticket.contact.phone
        yield self.t(_("E-mail")), ticket.contact.email
        yield self.t(_("Contract")), ticket.contract or ""
        yield self.t(_("Service level")), level.name.to(self.language) if level else ticket.service_level
        yield self.t(_("Product")), ticket.product
        yield self.t(_("Channel")), self.t(dict(CHANNELS).get(ticket.channel, ticket.channel))
        yield self.t(_("Received at")), self._moment(ticket.received_at)
        yield self.t(_("Registered at")), self._moment(ticket.registered_at)
        yield self.t(_("Registered in time")), self._result(ticket.registration_result)
        yield self.t(_("Deadline of the solution")), self._moment(ticket.due_at)
        yield self.t(_("Promised at")), self._moment(ticket.promised_at)
        yield self.t(_("Solved in time")), self._result(ticket.resolution_result)
        yield self.t(_("Completed at")), self._moment(ticket.completed_at)
        yield self.t(_("Closed at")), self._moment(ticket.closed_at)
        yield self.t(_("Outcome")), self.teller.reason(ticket.outcome) if ticket.outcome else ""
        yield self.t(_("Minutes booked")), str(ticket.minutes_total)
        yield self.t(_("Regulation")), self.t(_("version {version}"), version=ticket.regulation_version)
        missing = [self.t(REQUIRED_FIELDS[name]) for name in ticket.missing_fields if name in REQUIRED_FIELDS]
        yield self.t(_("Not told (clause 4.2)")), ", ".join(missing)

    def _result(self, result: str | None) -> str:
        names = {"met": _("yes"), "breached": _("no"), "extended": _("put off in time (6.3)")}
        return self.t(names[result]) if result in names else ""

    def _proof(self) -> dict[str, Any]:
        made = self.dossier
        lines = [
            self.t(_("Each act of the journal is chained to the one before it by its hash; each text is bound to its "
                     "act by the hash of the text. The whole is sealed with the key of the centre.")),
            self.t(_("This file holds the same dossier for programs, as an attachment. The command “reglament dossier "
                     "verify FILE” checks both; docs/dossier.md says how to check it without the command.")),
        ]  # fmt: skip
        if made.replay:
            lines.append(self.t(_("ATTENTION: the replay of the journal found differences:")))
            lines += made.replay
        else:
            lines.append(self.t(_("The journal was replayed when this was made: it says what the ticket shows.")))
        codes = [
            [self.t(_("Key of the centre")), seals.public_key()],
            [self.t(_("Entries of the journal")), str(len(made.journal))],
            [self.t(_("End of the chain")), made.head],
        ]
        return {"title": self.t(_("What proves it")), "lines": lines, "codes": codes}

    # --- deadlines ------------------------------------------------------------------------------------------------

    def _deadline(self, made: PassportView) -> dict[str, Any]:
        target = said_target(Target(made.target.kind, made.target.amount), self.language)  # type: ignore[arg-type]
        name = self.t(CLOCKS[made.clock])
        return {
            "name": f"{name[:1].upper()}{name[1:]}",
            "facts": [
                [self.t(_("Target")), f"{made.priority} · {target}" if made.priority else target],
                [self.t(_("Counted from")), self._moment(made.origin)],
                [self.t(_("Deadline")), self._moment(made.due)],
                [self.t(_("Regulation")), self.t(_("version {version}"), version=made.regulation_version)],
                [self.t(_("Calendar")), made.calendar],
            ],
            "heads": [self.t(_("Counted")), self.t(_("from – to")), self.t(_("Working time"))],
            "counted": [
                [
                    day(self.language, span.start.astimezone(self.zone).date()),
                    f"{self._clock(span.start)} – {self._clock(span.end)}",
                    working_duration(self.language, timedelta(seconds=span.seconds)),
                ]
                for span in made.counted
            ],
            "lines": [made.text.ru if self.language == "ru" else made.text.en],
        }

    # --- the story ------------------------------------------------------------------------------------------------

    def _story(self) -> Iterator[dict[str, Any]]:
        said: dict[int, list[DossierMessage]] = {}
        for message in self.dossier.messages:
            said.setdefault(message.seq, []).append(message)
        for entry in self.dossier.journal:
            body = msgspec.json.decode(entry.body)
            facts = self.teller.facts(body["data"])
            who = self.teller.who(body["actor"]["kind"], entry.name) or self.t(_("erased on request"))
            yield {
                "seq": str(entry.seq),
                "what": self.teller.act(body["trigger"]),
                "state": self.teller.state(body["from_state"], body["to_state"]),
                "at": self._moment(datetime.fromisoformat(body["at"])),
                "line": _printed(" · ".join((who, *facts))),
                "said": [self._said(message) for message in said.get(entry.seq, ())],
                "hash": entry.hash,
            }

    def _said(self, message: DossierMessage) -> dict[str, Any]:
        how = self.teller.how(message.direction, message.method)
        head = [message.author, how]
        if message.mail:
            head.append(self.t(_("mail <{id}>"), id=message.mail.message_id))
        note = ""
        if message.withheld:
            note = self.t(_("withheld from this edition"))
        elif message.erased:
            note = self.t(_("erased on request"))
        return {
            "inner": message.direction not in ("in", "out"),
            "head": _printed(" · ".join(filter(None, head))),
            "note": note,
            "text": _printed(self._shortened(message.text)),
        }

    def _shortened(self, text: str) -> str:
        if len(text) <= LONGEST_TEXT:
            return text
        rest = self.t(_("[…] The rest stands in the attached file."))
        return f"{text[:LONGEST_TEXT]}\n{rest}"

    # --- what goes with it ----------------------------------------------------------------------------------------

    def _file(self, file: DossierFile) -> dict[str, str]:
        name = file.filename
        if file.withheld:
            name = self.t(_("withheld from this edition"))
        elif not name:
            name = self.t(_("erased on request"))
        facts = [file_size(self.language, file.size), self._moment(file.at)]
        if file.refused and not file.sha256:
            facts.append(self.t(file.refused))
        return {"name": _printed(name), "sha256": file.sha256, "facts": " · ".join(facts)}

    def _letters(self) -> Iterator[dict[str, str]]:
        for letter in self.dossier.letters:
            became = self.t(_("taken by the mail server")) if letter.delivered_at else self.t(_("not delivered yet"))
            if letter.bounced:
                became = self.t(_("came back: {why}"), why=letter.bounced)
            yield {
                "subject": _printed(letter.subject) or self.t(_("erased on request")),
                "at": self._moment(letter.at),
                "line": _printed(" · ".join(filter(None, (letter.recipient, became, f"<{letter.message_id}>")))),
                "text": _printed(self._shortened(letter.text.strip())),
            }

    def _links(self) -> Iterator[str]:
        for link in self.dossier.links:
            relation = self.t(dict(RELATIONS).get(link.relation, link.relation))
            number = link.number or link.id
            yield f"{relation}: {number}" if link.outward else f"{number}: {relation} ←"

    def _rules(self, version: RuleVersion) -> dict[str, Any]:
        return {
            "title": self.t(_("The regulation, version {version}"), version=version.version),
            "lead": self.t(_("In force from {moment}."), moment=self._moment(version.effective_at)),
            "clauses": [
                {
                    "number": clause.number,
                    "sentences": " ".join(clause.sentences),
                    "items": clause.items,
                    "table": clause.table,
                }
                for clause in version.text[self.language]
            ],
        }

    # --- moments --------------------------------------------------------------------------------------------------

    def _moment(self, at: datetime | None) -> str:
        """To the second: a dispute may hang on it."""
        if at is None:
            return ""
        local = at.astimezone(self.zone)
        return f"{day(self.language, local.date())}, {local:%H:%M:%S}"

    def _clock(self, at: datetime) -> str:
        return clock_time(self.language, at, zone=self.zone)


def _printed(text: str) -> str:
    """What paper can show: no sign that steers or turns a line around; long words may break at its end."""
    text = UNPRINTED.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))
    return UNBROKEN.sub(lambda found: found[0] + "\N{ZERO WIDTH SPACE}", text)
