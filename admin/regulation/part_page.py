"""The page of a part of the draft: its fields beside the version in force, what each does, what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from litestar import Response

from admin.pages import Reading, render
from admin.reading import AnyRequest
from admin.regulation import presence
from admin.regulation.differences import Said, said_differences
from admin.regulation.effects import effects
from admin.regulation.frame import around, said_problem
from admin.regulation.parts import Shown
from admin.regulation.worked import said_checks, worked_examples
from service.auth import actor_of
from service.regulation_words import DAY_MODES, UNITS
from service.regulations import RULEBOOKS, all_obstacles, in_force, newest
from service.words import Language, translate
from workflow.regulation import Problem, Regulation, Rulebook
from workflow.words import _

FieldOf = Callable[[Problem, Regulation], str]


async def part_page(
    template: str,
    request: AnyRequest,
    reader: Reading,
    shown: Shown,
    *,
    section: str,
    field_of: FieldOf = lambda _problem, _regulation: "",
    opened: Mapping[str, int] | None = None,
    **more: Any,
) -> Response[str]:
    """`field_of` says beside which field of this part a problem of the whole document stands."""
    language, document = reader.language, shown.document
    version, before = await newest()
    found = await all_obstacles(document)
    changes = said_differences(before, document, language)
    worked = worked_examples(document)
    return render(
        template,
        reader,
        status_code=shown.status,
        **around(reader, "draft", section=section),
        draft=shown.draft,
        document=document,
        values=shown.values,
        errors=_beside(found, document, field_of, language) | _said_errors(shown, language),
        refused=len(shown.errors),
        overrun=list(shown.overrun),
        left=dict(shown.left),
        refusal=shown.refusal,
        overwritten=shown.overwritten,
        newest=version,
        beside=await _beside_what(version, reader),
        changes=changes,
        differing=lambda *places: list(_in(changes, places)),
        effects=effects(Rulebook(0, document), language, at=reader.at, opened=opened or {}),
        effects_before=effects(await RULEBOOKS.know(version), language, at=reader.at, opened=opened or {}),
        checks=said_checks(found, language),
        examples=worked,
        wrong_examples=sum(not one.right for one in worked),
        others=await presence.others_at(shown.draft, by=await actor_of(request), language=language),
        units=[(code, translate(language, label)) for code, (label, _kind, _size) in UNITS.items()],
        day_modes=[(code, translate(language, said)) for code, said in DAY_MODES.items()],
        **more,
    )


async def _beside_what(version: int, reader: Reading) -> str:
    """The head over what the draft is compared with: the newest version, in force already or not."""
    if (await in_force(at=reader.at)).version == version:
        return translate(reader.language, _("In force: version {version}"), version=version)
    return translate(reader.language, _("Published: version {version}, not in force yet"), version=version)


def _in(changes: tuple[Said, ...], places: tuple[str, ...]) -> Iterator[Said]:
    return (one for one in changes if any(one.place == place or one.place.startswith(f"{place}.") for place in places))


def _beside(found: tuple[Problem, ...], document: Regulation, field_of: FieldOf, language: Language) -> dict[str, str]:
    return {field: said_problem(one, language) for one in found if (field := field_of(one, document))}


def _said_errors(shown: Shown, language: Language) -> dict[str, str]:
    """What is wrong with each field, and which another person changed meanwhile."""
    said = {field: translate(language, sentence, **params) for field, (sentence, params) in shown.errors.items()}
    for field, theirs in shown.overrun.items():
        sentence = _("{who} has put “{value}” here meanwhile. Type again to put yours over it.")
        said[field] = translate(language, sentence, who=shown.draft.author, value=theirs)
    return said


def options(choices: Mapping[str, str], language: Language) -> list[tuple[str, str]]:
    """Codes with their labels in the reader's language."""
    return [(code, translate(language, said)) for code, said in choices.items()]
