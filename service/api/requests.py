"""What requests of the API have in common: keys, causes, expected versions, page sizes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn
from uuid import uuid4

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, SerializationException, ValidationException
from litestar.params import QueryParameter
from litestar.typing import FieldDefinition

from service.actors import Actor
from service.idempotency import Key, kept_by_the_verb
from service.paging import DEFAULT_LIMIT, MOST, place_of
from service.whole_numbers import INTEGER, whole_number
from service.wrong_shapes import Misfit, Misread, without_none
from workflow.errors import FieldError, Refusal, WrongFields
from workflow.words import _

AnyRequest = Request[Any, Any, Any]
LONGEST_KEY = 120
ANY_PLACE = msgspec.json.Decoder(list[Any])
NOT_IN_AN_ADDRESS = ("request", "data")

NO_ZERO = "^[^\\x00]*$"  # what no database holds
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=MOST, description="How many items a page holds.")]
Cursor = Annotated[
    str | None, QueryParameter(name="cursor", description="Where the page begins: `next_cursor` of the page before.")
]
DEFAULT: int = DEFAULT_LIMIT


async def key_of(request: AnyRequest, by: Actor) -> Key | None:
    """The Idempotency-Key of a request whose verb keeps its answer itself, beside its act."""
    kept_by_the_verb()
    return await told_key(request, by)


async def told_key(request: AnyRequest, by: Actor) -> Key | None:
    """The Idempotency-Key of the request, over its method, path and body. Raises WrongFields for an unusable one."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise WrongFields(
            [
                FieldError(
                    "Idempotency-Key",
                    _("A key has 1 to {most} printable characters."),
                    {"most": str(LONGEST_KEY)},
                )
            ]
        )
    told = f"{request.method} {request.scope['path']}\n".encode() + await request.body()
    return Key(by.principal, key, hashlib.sha256(told).digest())


def cause_of(by: Actor, key: Key | None) -> str:
    """What the journal names as the cause: the same key never acts twice."""
    return f"request:{by.principal}:{key.key if key else uuid4()}"


def expected_seq(request: AnyRequest) -> int | None:
    """The version in If-Match: a ticket's `seq`, quoted or bare; None for `*` or without one. Raises WrongFields."""
    given = request.headers.get("if-match", "*").strip()
    if given == "*":
        return None
    seq = whole_number(given.removeprefix("W/").strip('"'), most=INTEGER)
    if seq is None:
        raise WrongFields([FieldError("If-Match", _('Give the ticket\'s seq, such as "7".'), {})])
    return seq


def with_zone(field: str, instant: datetime | None) -> datetime | None:
    """An instant of an address, in UTC. Raises WrongFields where it names no zone: any guess would be hours off."""
    if instant is None:
        return None
    try:
        return instant.astimezone(UTC) if instant.tzinfo else _without_zone(field)
    except OverflowError:  # the first and the last day there are, seen from elsewhere
        return instant.replace(tzinfo=UTC)


def _without_zone(field: str) -> NoReturn:
    raise WrongFields([FieldError(field, _("Name the zone: 2026-05-04T07:00:00Z."), {})])


class Nobody(Refusal):
    """What belongs to a person needs one."""

    code = "nobody"
    sentence = _("This token speaks for no colleague: make one with `user`.")


def own_user(by: Actor) -> int:
    """The account behind who asks. Raises Nobody for a token that speaks for none."""
    if not by.user:
        raise Nobody()
    return int(by.user)


async def strict_body(request: AnyRequest) -> None:
    """Before a handler runs: JSON means what it says, and so does each parameter in the address.

    Raises what is told as 422.
    """
    misread = [
        *_unknown(request), *_missing(request), *_null(request), *_numbers(request), *_cursor(request),
    ]  # fmt: skip
    misfits = list(_misfits(request, but={one.field for one in misread}))
    if misread or misfits:
        raise Misread(misread, misfits)
    wanted = request.route_handler.parsed_data_field
    struct = wanted.annotation if wanted is not None else None
    if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct)):
        return
    try:
        raw = await request.json()
    except SerializationException as wrong:
        raise ClientException(str(wrong)) from wrong
    try:
        msgspec.convert(raw, struct, str_keys=True)
    except msgspec.ValidationError as wrong:
        raise ValidationException(str(wrong), extra=[{"source": "body", "message": str(wrong)}]) from wrong


NUMBER = re.compile(r"[-+]?[0-9]*[.]?[0-9]+([eE][-+]?[0-9]+)?")


def _parameters(request: AnyRequest) -> Mapping[str, FieldDefinition]:
    """What the handler may be told in the address, by the names that stand there."""
    taken = request.route_handler.parsed_fn_signature.parameters
    return {getattr(field.kwarg_definition, "name", None) or name: field for name, field in taken.items()}


def _unknown(request: AnyRequest) -> Iterator[FieldError]:
    """A misspelt filter would silently find everything."""
    named = dict.fromkeys(request.query_params)
    if not named:
        return
    known = [name for name in _parameters(request) if name not in NOT_IN_AN_ADDRESS and name not in request.path_params]
    for name in named:
        if name not in known:
            told = {"known": ", ".join(known) or "–"}
            yield FieldError(name, _("There is no such parameter. Known here are: {known}."), told)


def _missing(request: AnyRequest) -> Iterator[FieldError]:
    """The framework tells one that is missing instead of all other faults."""
    for name, field in _parameters(request).items():
        asked = isinstance(field.kwarg_definition, QueryParameter) and field.is_required
        if asked and name not in request.query_params:
            yield FieldError(name, _("Please fill this in."), {})


def _numbers(request: AnyRequest) -> Iterator[FieldError]:
    """A number in an address is no instant, though the framework counts its seconds from 1970."""
    named = {name for name, value in request.query_params.multi_items() if NUMBER.fullmatch(value)}
    for name, field in _parameters(request).items() if named else ():
        if name in named and datetime in {kind.annotation for kind in field.inner_types}:
            yield FieldError(name, _("Name the zone: 2026-05-04T07:00:00Z."), {})


def _cursor(request: AnyRequest) -> Iterator[FieldError]:
    """Nonsense is told beside the other faults; whether it is a cursor of this very list is asked by the list."""
    if "cursor" in _parameters(request):
        try:
            place_of(request.query_params.get("cursor"), ANY_PLACE)
        except WrongFields as wrong:
            yield from wrong.errors


def _misfits(request: AnyRequest, *, but: Collection[str]) -> Iterator[Misfit]:
    """Parameters of another type than the handler wants; the framework would tell them without those of `but`."""
    if not request.query_params:
        return
    wanted = {field.name: field.type for field in msgspec.structs.fields(request.route_handler.signature_model)}
    names = {id(field): name for name, field in request.route_handler.parsed_fn_signature.parameters.items()}
    for name, field in _parameters(request).items():
        if name in but or name not in request.query_params:
            continue
        kind = without_none(wanted[names[id(field)]])
        given = request.query_params.getall(name) if field.is_non_string_sequence else request.query_params[name]
        try:
            msgspec.convert(given, kind, strict=False)
        except msgspec.ValidationError as misfit:
            yield Misfit(name, kind, str(misfit))


def _null(request: AnyRequest) -> Iterator[FieldError]:
    """The word "null" is no date, number or answer to a yes-or-no question, though the framework takes it for one."""
    named = {name for name, value in request.query_params.multi_items() if value == "null"}
    for name, field in _parameters(request).items() if named else ():
        kinds = {kind.annotation for kind in field.inner_types}
        if name in named and field.is_optional and str not in kinds and list[str] not in kinds:
            yield FieldError(name, _("“null” is no value: leave it out."), {})
