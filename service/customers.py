"""Accounts of customers: invited by the centre or asked for by themselves, always proved by mail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from service import account_letters, bell, config_journal, recipients
from service.actors import Actor, customer
from service.customer_sessions import close_customer_sessions
from service.database import DB, execute, fetch, fetchrow, fetchval, retried
from service.directory import like_an_address
from service.house import HOUSE
from service.identifiers import new_id
from service.intake import LONGEST_LINE
from service.passwords import generate_password, hashed, matches
from service.regulations import in_force
from service.words import LANGUAGES
from workflow.calendar import CalendarOutOfRange
from workflow.errors import FieldError, NotFound, Refusal, WrongFields, no_choice
from workflow.words import _

Kind = Literal["invitation", "registration", "reset"]
SIGHTS: Final = (("own", _("Own tickets")), ("organisation", _("All tickets of the organisation")))
LASTS: Final[Mapping[str, timedelta]] = {
    "invitation": timedelta(days=7),
    "registration": timedelta(days=2),
    "reset": timedelta(hours=2),
}
GIVES_NOTHING: Final = "{}"  # the facts of an invitation that was taken back, and of a link to a new password
FIRST: Final[tuple[Kind, ...]] = ("invitation", "registration")  # what gives a first password


class AccountLinkGone(Refusal):
    """A link that gave a password once, or would have."""

    code = "account_link_gone"


class AccountLinkUsed(AccountLinkGone):
    code = "account_link_used"
    sentence = _("This link has been used: the password was shown then.")


class AccountLinkReplaced(AccountLinkGone):
    code = "account_link_replaced"
    sentence = _("A newer letter has replaced this link.")


class InvitationTakenBack(AccountLinkGone):
    code = "invitation_taken_back"
    sentence = _("This invitation was taken back.")


class AccountLinkExpired(AccountLinkGone):
    code = "account_link_expired"
    sentence = _("This link has expired.")


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What a person tells who asks for an account (clause 4.2, without the text)."""

    email: str
    full_name: str
    organisation: str = ""
    position: str = ""
    phone: str = ""
    language: str = "ru"


class AccountLink(msgspec.Struct, frozen=True):
    """A link that would give a password now, and to whom."""

    id: UUID
    kind: Kind
    address: str
    contact: int | None
    facts: dict[str, str]


class Invitation(msgspec.Struct, frozen=True):
    """An invitation that nobody has used, expired ones included: where its letter went, and what it gives."""

    address: str
    sees: str
    sent_at: datetime
    expires_at: datetime


class Redeemed(msgspec.Struct, frozen=True):
    """A fresh account, or an old one with a fresh password, kept nowhere."""

    contact: int
    address: str
    password: str
    joined: bool  # the organisation is known


# --- asking for a link ------------------------------------------------------------------------------------------------


@retried
async def invite(contact: int, *, sees: str, by: Actor, at: datetime) -> str:
    """Send a contact the link to an account; the address it goes to. Raises NotFound, WrongFields."""
    _demand_sight(sees)
    async with DB.transaction(allow_nested=False):
        row = await fetchrow(
            "SELECT p.language, (SELECT address FROM contact_address a WHERE a.contact = p.id ORDER BY a.id LIMIT 1) "
            "AS address FROM contact p WHERE p.id = $1 AND p.merged_into IS NULL FOR UPDATE OF p",
            contact,
        )
        if row is None:
            raise NotFound()
        if row["address"] is None:
            raise WrongFields([FieldError("contact", _("This person has no mail address."), {})])
        address: str = row["address"]
        facts = {"sees": sees, "language": row["language"]}
        await _send("invitation", address, contact=contact, facts=facts, language=row["language"], at=at)
        await config_journal.note(
            by=by, at=at, act="customer.invite", subject=f"contact {contact}", data={"sees": sees}
        )
    await bell.ring("send_letters")
    return address


async def pending_invitation(contact: int) -> Invitation | None:
    """The invitation that waits for a person; None where there is none."""
    row = await fetchrow(
        "SELECT address, facts ->> 'sees' AS sees, created_at AS sent_at, expires_at FROM account_link "
        "WHERE contact = $1 AND kind = 'invitation' AND ended_at IS NULL ORDER BY id DESC LIMIT 1",
        contact,
    )
    return Invitation(**row) if row else None


@retried
async def take_back(contact: int, *, by: Actor, at: datetime) -> None:
    """End the invitation that waits for a person; it gives nothing any more, and is not sent anew when asked for.

    Raises NotFound where none waits.
    """
    async with DB.transaction(allow_nested=False):
        await fetchrow("SELECT FROM contact WHERE id = $1 FOR UPDATE", contact)  # as inviting does
        if await pending_invitation(contact) is None:
            raise NotFound()
        await execute(
            "UPDATE account_link SET ended_at = coalesce(ended_at, $2), facts = $3 "
            "WHERE contact = $1 AND kind = 'invitation' AND NOT used",
            contact, at, GIVES_NOTHING,
        )  # fmt: skip
        await config_journal.note(by=by, at=at, act="customer.uninvite", subject=f"contact {contact}")


@retried
async def register(told: Registration, *, at: datetime) -> None:
    """Send the address the link to an account; whoever has one gets the link to a new password instead.

    An invitation stays one, with the rights it gives. The caller learns nothing of who is known. Raises WrongFields.
    """
    told = _checked(told)
    async with DB.transaction(allow_nested=False):
        known = await _known(told.email)
        if known and known["active"] is False:
            return
        contact, language = (known["contact"], known["language"]) if known else (None, told.language)
        if known and known["active"]:
            await _send("reset", told.email, contact=contact, facts={}, language=language, at=at)
        elif not await _send_again(told.email, "invitation", contact=contact, at=at):
            facts = msgspec.to_builtins(told)
            await _send("registration", told.email, contact=contact, facts=facts, language=language, at=at)
    await bell.ring("send_letters")


@retried
async def ask_for_reset(address: str, *, at: datetime) -> None:
    """Send the link to a new password, if the address has an account; the caller is not told.

    Whose link to a first password was never used, because it expired or was lost, gets that one anew.
    """
    address = _address(address)
    if not like_an_address(address):
        return
    async with DB.transaction(allow_nested=False):
        known = await _known(address)
        contact = known["contact"] if known else None
        if known and known["active"]:
            await _send("reset", address, contact=contact, facts={}, language=known["language"], at=at)
        elif known is None or known["active"] is None:
            await _send_again(address, *FIRST, contact=contact, at=at)
    await bell.ring("send_letters")


# An invitation is for the person who was invited, whoever has the address today.
UNUSED = """
SELECT kind, facts FROM account_link WHERE address = $1 AND kind = ANY($2) AND NOT used AND facts <> $4
    AND (contact = $3 OR kind = 'registration') ORDER BY kind, id DESC LIMIT 1
"""


async def _send_again(address: str, *kinds: Kind, contact: int | None, at: datetime) -> bool:
    """Send the newest link of these kinds that nobody has used once more, an invitation first; False without one."""
    row = await fetchrow(UNUSED, address, list(kinds), contact, GIVES_NOTHING)
    if row is None:
        return False
    facts = msgspec.json.decode(row["facts"], type=dict[str, str])
    await _send(row["kind"], address, contact=contact, facts=facts, language=facts["language"], at=at)
    return True


async def _known(address: str) -> Any:
    """The contact with this address; `active` of its account, None where there is no account."""
    return await fetchrow(
        "SELECT a.contact, p.language, k.active FROM contact_address a JOIN contact p ON p.id = a.contact "
        "LEFT JOIN customer_account k ON k.contact = p.id WHERE a.address = $1",
        address,
    )


async def _send(
    kind: Kind, address: str, *, contact: int | None, facts: Mapping[str, str], language: str, at: datetime
) -> None:
    """Store a link and the letter that carries it; older links to this address end."""
    id = new_id(at)
    await execute("UPDATE account_link SET ended_at = $2 WHERE address = $1 AND ended_at IS NULL", address, at)
    await execute(
        "INSERT INTO account_link (id, kind, address, contact, facts, created_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        id, kind, address, contact, msgspec.json.encode(facts).decode(), at, at + LASTS[kind],
    )  # fmt: skip
    link = HOUSE.link("cabinet/account", id)
    await account_letters.send(kind, address, link=link, expires_at=at + LASTS[kind], language=language, at=at)


def _checked(told: Registration) -> Registration:
    """The facts on one line each. Raises WrongFields naming everything that does not do."""
    lines = {name: " ".join(getattr(told, name).replace("\x00", " ").split()) for name in told.__struct_fields__}
    lines["email"] = lines["email"].lower()
    errors = [
        FieldError(name, _("This is too long: at most {most} characters."), {"most": str(most)})
        for name, value in lines.items()
        if len(value) > (most := 100 if name == "phone" else LONGEST_LINE)
    ]
    errors += [
        FieldError(name, _("Please fill this in."), {}) for name in ("full_name", "organisation") if not lines[name]
    ]
    if not like_an_address(lines["email"]):
        errors.append(FieldError("email", _("This is not a mail address."), {}))
    if errors:
        raise WrongFields(errors)
    lines["language"] = lines["language"] if lines["language"] in LANGUAGES else LANGUAGES[0]
    return Registration(**lines)


def _address(value: str) -> str:
    return value.strip().lower().replace("\x00", "")


def _demand_sight(sees: str) -> None:
    if sees not in dict(SIGHTS):
        raise WrongFields([no_choice("sees", sees, dict(SIGHTS))])


# --- using it ---------------------------------------------------------------------------------------------------------

LINK = "SELECT id, kind, address, contact, facts, expires_at, ended_at, used FROM account_link WHERE id = $1"


async def look(token: str, *, at: datetime) -> AccountLink:
    """What a link would give; nothing happens. Raises NotFound and the kinds of AccountLinkGone."""
    return _living(await fetchrow(LINK, _id(token)), at=at)


@retried
async def redeem(token: str, *, at: datetime) -> Redeemed:
    """Use a link, once: the account, its generated password, and the end of every session it had.

    Raises NotFound and the kinds of AccountLinkGone.
    """
    id, password = _id(token), generate_password()
    password_hash = await hashed(password)
    async with DB.transaction(allow_nested=False):
        link = _living(await fetchrow(f"{LINK} FOR UPDATE", id), at=at)
        contact = await _person(link, at=at)
        await _open_account(contact, link, password_hash, at=at)
        await execute("UPDATE account_link SET ended_at = $2, used = true, contact = $3 WHERE id = $1", id, at, contact)
        await close_customer_sessions(contact)
        who = await fetchrow("SELECT organisation FROM contact WHERE id = $1", contact)
        if link.kind == "registration" and who["organisation"] is None:
            await _tell_that_somebody_waits(contact, at=at)
        await config_journal.note(
            by=customer(id=str(contact), name=""), at=at, act=f"customer.{link.kind}",
            subject=f"contact {contact}",
        )  # fmt: skip
    await bell.ring("send_letters")
    return Redeemed(contact, link.address, password, joined=who["organisation"] is not None)


async def _tell_that_somebody_waits(contact: int, *, at: datetime) -> None:
    """Nobody has to remember to look: those who can join the person hear of it."""
    link = f"{HOUSE.public_url}/customers/people/{contact}"
    opening = await _opening(at)
    for one in await recipients.told(("supervisors",), assignee="", at=at):
        await account_letters.send("waiting", one.email, link=link, language=one.language, at=at, not_before=opening)


async def _opening(at: datetime) -> datetime | None:
    """Quiet hours: until when a notice to staff waits; None when it goes at once."""
    rules = await in_force(at=at)
    try:
        return rules.calendar.next_opening(at) if rules.regulation.quiet_hours.enabled else None
    except CalendarOutOfRange:
        return None


def _id(token: str) -> UUID:
    id = HOUSE.verify("cabinet/account", token)
    if id is None:
        raise NotFound()
    return id


def _living(row: Any, *, at: datetime) -> AccountLink:
    if row is None:
        raise NotFound()
    if row["used"]:
        raise AccountLinkUsed()
    if row["ended_at"] is not None:
        taken_back = row["kind"] == "invitation" and row["facts"] == GIVES_NOTHING
        raise InvitationTakenBack() if taken_back else AccountLinkReplaced()
    if at >= row["expires_at"]:
        raise AccountLinkExpired()
    facts = msgspec.json.decode(row["facts"], type=dict[str, str])
    return AccountLink(row["id"], row["kind"], row["address"], row["contact"], facts)


async def _person(link: AccountLink, *, at: datetime) -> int:
    """The contact behind a link: the one that has the address today, or for a registration a new one."""
    found: int | None = await fetchval("SELECT contact FROM contact_address WHERE address = $1", link.address)
    if found is not None:
        return found
    if link.kind != "registration" or not link.facts:
        raise NotFound()
    told = msgspec.convert(link.facts, Registration)
    contact: int = await fetchval(
        "INSERT INTO contact (organisation, full_name, position, phone, language, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        await organisation_of(link.address), told.full_name, told.position, told.phone, told.language, at,
    )  # fmt: skip
    await execute("INSERT INTO contact_address (address, contact) VALUES ($1, $2)", link.address, contact)
    return contact


async def organisation_of(address: str) -> int | None:
    """The one organisation that claims the domain of an address; None for none, and for two."""
    domain = address.rpartition("@")[2].lower()
    rows = await fetch("SELECT id FROM organisation WHERE domains ? $1 LIMIT 2", domain)
    return rows[0]["id"] if len(rows) == 1 else None


async def _open_account(contact: int, link: AccountLink, password_hash: str, *, at: datetime) -> None:
    """A new account, or a new password of an old one; a blocked account stays blocked."""
    row = await fetchrow(
        "INSERT INTO customer_account (contact, password_hash, sees, active, created_at) VALUES ($1, $2, $3, true, $4) "
        "ON CONFLICT (contact) DO UPDATE SET password_hash = excluded.password_hash, "
        "sees = CASE WHEN $5 THEN excluded.sees ELSE customer_account.sees END RETURNING active",
        contact, password_hash, link.facts.get("sees", "own"), at, link.kind == "invitation",
    )  # fmt: skip
    if not row["active"]:
        raise NotFound()


# --- accounts that stand ----------------------------------------------------------------------------------------------


async def account_for(address: str, password: str) -> int | None:
    """The contact with this address and password; None says no more than that."""
    row = await fetchrow(
        "SELECT k.contact, k.password_hash FROM contact_address a JOIN customer_account k ON k.contact = a.contact "
        "WHERE a.address = $1 AND k.active",
        _address(address),
    )
    fits = await matches(password, row["password_hash"] if row else None)
    return row["contact"] if row and fits else None


class Account(msgspec.Struct, frozen=True):
    """What an account may do."""

    sees: str
    active: bool
    created_at: datetime
    signed_in_at: datetime | None


async def account_of(contact: int) -> Account:
    """The account of a contact. Raises NotFound."""
    row = await fetchrow(
        "SELECT sees, active, created_at, signed_in_at FROM customer_account WHERE contact = $1", contact
    )
    if row is None:
        raise NotFound()
    return Account(**row)


@retried
async def new_password(contact: int, *, by: Actor, at: datetime) -> str:
    """A fresh password for an account, kept nowhere; every session ends. Raises NotFound."""
    password = generate_password()
    password_hash = await hashed(password)
    async with DB.transaction(allow_nested=False):
        changed = await execute(
            "UPDATE customer_account SET password_hash = $2 WHERE contact = $1 AND active", contact, password_hash
        )
        if not changed:
            raise NotFound()
        await close_customer_sessions(contact)
        await config_journal.note(by=by, at=at, act="customer.password", subject=f"contact {contact}")
    return password


@retried
async def change_rights(contact: int, *, sees: str, active: bool, by: Actor, at: datetime) -> None:
    """What an account may see, and whether it may sign in. Raises NotFound, WrongFields."""
    _demand_sight(sees)
    async with DB.transaction(allow_nested=False):
        changed = await execute(
            "UPDATE customer_account SET sees = $2, active = $3 WHERE contact = $1", contact, sees, active
        )
        if not changed:
            raise NotFound()
        if not active:
            await close_customer_sessions(contact)
        data = {"sees": sees, "active": active}
        await config_journal.note(by=by, at=at, act="customer.rights", subject=f"contact {contact}", data=data)


@retried
async def change_profile(
    contact: int, *, full_name: str, position: str, phone: str, language: str, by: Actor, at: datetime
) -> None:
    """What a person says of himself; new requests are filled from it. Raises WrongFields."""
    lines = {"full_name": full_name, "position": position, "phone": phone}
    lines = {name: " ".join(value.replace("\x00", " ").split()) for name, value in lines.items()}
    errors = [
        FieldError(name, _("This is too long: at most {most} characters."), {"most": str(most)})
        for name, value in lines.items()
        if len(value) > (most := 100 if name == "phone" else LONGEST_LINE)
    ]
    if not lines["full_name"]:
        errors.append(FieldError("full_name", _("Please fill this in."), {}))
    if language not in LANGUAGES:
        errors.append(no_choice("language", language, LANGUAGES))
    if errors:
        raise WrongFields(errors)
    async with DB.transaction(allow_nested=False):
        await execute(
            "UPDATE contact SET full_name = $2, position = $3, phone = $4, language = $5 WHERE id = $1",
            contact, lines["full_name"], lines["position"], lines["phone"], language,
        )  # fmt: skip
        await config_journal.note(by=by, at=at, act="contact.change", subject=f"contact {contact}")
