"""Keeps the Russian catalogue in step with the texts that the code and the templates show."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import write_po
from jinja2.ext import babel_extract

from service.words import CATALOGUE, read_catalogue

ROOT: Final = Path(__file__).parents[1]
FOLDERS: Final = ("workflow", "service", "notifications", "admin")

# The functions whose texts people read, and the places of the texts among their arguments.
_PYTHON_PLACES: Final = {"_": (0,), "t": (0,), "translate": (1,), "ngettext": (1, 2)}
_TEMPLATE_FUNCTIONS: Final = ("t", "ngettext")
_TEMPLATE_OPTIONS: Final = {
    "encoding": "utf-8", "silent": "false", "trim_blocks": "true", "extensions": "admin.drawn_once.Once",
}  # fmt: skip

# One text, or its singular and plural.
Msgid = str | tuple[str, str]


@click.command("locale")
@click.option("--update", is_flag=True, help="Add the missing texts, still empty, and drop those nothing shows.")
@click.option("--check", is_flag=True, help="Exit 1 and say what is wrong, if anything is (the default).")
def locale(update: bool, check: bool) -> None:
    """Compare service/locale/ru.po with the texts in the code and the templates."""
    if update:
        write_catalogue(brought_up_to_date(read_catalogue(), shown_texts()))
    faults = catalogue_faults(read_catalogue(), shown_texts())
    for fault in faults:
        click.echo(fault)
    if faults and (check or not update):
        raise SystemExit(1)


def shown_texts() -> set[Msgid]:
    """Every text marked for people in the code and the templates."""
    texts: set[Msgid] = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            texts.update(_texts_of_code(path.read_text(encoding="utf-8")))
        for path in (ROOT / folder).rglob("*.html"):
            texts.update(_texts_of_template(path))
    return texts


def catalogue_faults(catalogue: Catalog, texts: set[Msgid]) -> list[str]:
    """What is untranslated, unused, or loses or invents a `{name}`; sorted, one sentence each."""
    known = _by_msgid(catalogue)
    faults = [f"not in the catalogue: {msgid!r}" for msgid in texts - known.keys()]
    faults += [f"shown nowhere: {msgid!r}" for msgid in known.keys() - texts]
    for msgid, message in known.items():
        forms = _listed(message.string)
        if not all(forms):
            faults.append(f"not translated: {msgid!r}")
        elif any(_names(form) != _names(_listed(msgid)[-1]) for form in forms):
            faults.append(f"another set of {{names}}: {msgid!r}")
        if message.fuzzy:
            faults.append(f"marked as doubtful: {msgid!r}")
    return sorted(faults)


def brought_up_to_date(catalogue: Catalog, texts: set[Msgid]) -> Catalog:
    """The same translations for exactly these texts; new texts are empty."""
    fresh = Catalog(
        locale="ru", project="Reglament", charset="utf-8", fuzzy=False, header_comment="# Reglament, Russian"
    )
    known = _by_msgid(catalogue)
    for msgid in texts:
        fresh.add(msgid, known[msgid].string if msgid in known else "")
    return fresh


def write_catalogue(catalogue: Catalog) -> None:
    """The file, sorted and without dates, so that two developers' changes meet without quarrel."""
    with CATALOGUE.open("wb") as file:
        file.write(b'msgid ""\nmsgstr ""\n"Language: ru\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n')
        file.write(f'"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'.encode())
        write_po(file, catalogue, width=0, sort_output=True, omit_header=True, no_location=True)


def _texts_of_code(source: str) -> Iterator[Msgid]:
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and (places := _PYTHON_PLACES.get(_called(call))):
            texts = [_literal(call.args[place]) for place in places if place < len(call.args)]
            if texts and all(texts):
                yield texts[0] if len(texts) == 1 else (texts[0], texts[1])


def _texts_of_template(path: Path) -> Iterator[Msgid]:
    with path.open("rb") as file:
        for _line, _function, text, _comments in babel_extract(file, _TEMPLATE_FUNCTIONS, [], _TEMPLATE_OPTIONS):
            match text:
                case str():
                    yield text
                case (str() as singular, str() as plural, *_):
                    yield singular, plural
                case (str() as only, *_):
                    yield only


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _literal(argument: ast.expr) -> str:
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else ""


def _by_msgid(catalogue: Catalog) -> dict[Msgid, Message]:
    return {
        message.id if isinstance(message.id, str) else (message.id[0], message.id[1]): message
        for message in catalogue
        if message.id
    }


def _listed(value: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return list(value) if isinstance(value, tuple | list) else [value or ""]


def _names(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name}


if __name__ == "__main__":
    locale()
