"""What a letter may say: the fields it may speak of, and the few constructs in which it may do so.

A letter is written by an owner and rendered by the machine, so it gets a small language: fields, `or`, conditions, one
loop over a list. What could run away (sums of loops, assignments, products, calls) is refused, before publishing and
again before rendering.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from workflow.errors import Refusal
from workflow.regulation import LANGUAGES, LETTERS, Letter, Problem, Regulation
from workflow.words import _

# What a letter may speak of. The editor shows this list; an unknown name is refused before it is published.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "ticket": ("number", "subject", "priority", "received_at", "registration_due_at", "due_at", "promised_at"),
    "contact": ("full_name", "organisation"),
    "text": (), "act": (), "question": (), "reason": (), "operator": (), "assignee": (), "passport": (), "missing": (),
    "refused_files": (), "outside_hours": (), "duplicate_of": (), "status_url": (), "confirm_url": (),
    "dispute_url": (), "desk_url": (), "auto_close_at": (), "clock": (), "due_at": (), "step": (), "extended": (),
    "centre": (), "notices": (), "rate_url": (),
}  # fmt: skip
# The fields that are lists, with what stands in each of their items; () where an item is a plain text.
LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "missing": (),
    "refused_files": ("name", "reason"),
    "notices": ("kind", "subject", "text"),
}
OF_A_LOOP: Final = ("index", "index0", "first", "last", "length")
FILTERS: Final = frozenset(
    {"capitalize", "count", "d", "default", "first", "join", "last", "length", "lower", "title", "trim", "upper"}
)
OF_JINJA: Final = ("self", "super", "caller", "varargs", "kwargs")  # names that the engine itself gives
LONGEST_TEMPLATE: Final = 20_000  # characters
DEEPEST: Final = 40  # constructs inside one another

_PLAIN: Final = (
    nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.If, nodes.For, nodes.CondExpr,
    nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Filter, nodes.Test, nodes.Concat,
)  # fmt: skip

UNKNOWN: Final = _("There is no field called {field}.")
NOT_A_LIST: Final = _("“for” goes over a list only: {lists}.")
NESTED: Final = _("One “for” cannot stand inside another.")
TOO_MUCH: Final = _("A letter only names fields, chooses with “if” and lists with “for”; this goes beyond: {what}.")
TOO_LONG: Final = _("A template is at most {most} characters long.")
SYNTAX: Final = _("Line {line} cannot be read: {why}")


class BadTemplate(Refusal):
    """A letter that cannot be rendered: a mistake of syntax or an unknown field."""

    code = "bad_template"
    sentence = _("The letter cannot be rendered: {why}")


class _Environment(ImmutableSandboxedEnvironment):
    """Nothing of Python is reachable from a letter."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not attr.startswith("_") and super().is_safe_attribute(obj, attr, value)


ENVIRONMENT: Final = _Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)
ENVIRONMENT.globals.clear()  # no range(), no cycler(): a letter only says what it is given

Fault = tuple[str, dict[str, str]]  # an English msgid and its parameters


def letter_problems(regulation: Regulation) -> tuple[Problem, ...]:
    """What keeps the letters of a document from being sent, each with its place: `letters.<name>.<language>.body`."""
    return tuple(
        Problem(f"letters.{name}.{language}.{part}", sentence, params)
        for name in sorted(LETTERS & regulation.letters.keys())
        for language in LANGUAGES
        if (letter := regulation.letters[name].get(language))
        for part, found in faults_of(letter).items()
        for sentence, params in found
    )


def faults_of(letter: Letter) -> dict[str, tuple[Fault, ...]]:
    """What is wrong with the subject and with the body."""
    return {"subject": faults(letter.subject), "body": faults(letter.body)}


@lru_cache(maxsize=2_000)
def faults(source: str) -> tuple[Fault, ...]:
    """Everything that keeps a template from being used, unknown fields included; each said once."""
    try:
        tree = parsed(source)
    except _Faulty as faulty:
        return (faulty.fault,)
    found = {sentence + str(params): (sentence, params) for sentence, params in _unknown(tree, {})}
    return tuple(found.values())


def refuse_what_runs_away(source: str) -> None:
    """Raises BadTemplate for a template that goes beyond the language; its fields are the renderer's matter."""
    try:
        parsed(source)
    except _Faulty as faulty:
        sentence, params = faulty.fault
        raise BadTemplate(why=sentence.format(**params)) from faulty


class _Faulty(Exception):
    """A template that cannot be used at all."""

    def __init__(self, sentence: str, **params: str) -> None:
        super().__init__(sentence)
        self.fault: Fault = (sentence, params)


def parsed(source: str) -> nodes.Template:
    """The tree of a template that keeps to the language."""
    if len(source) > LONGEST_TEMPLATE:
        raise _Faulty(TOO_LONG, most=str(LONGEST_TEMPLATE))
    try:
        tree = ENVIRONMENT.parse(source)
    except TemplateSyntaxError as wrong:
        raise _Faulty(SYNTAX, line=str(wrong.lineno), why=wrong.message or "") from wrong
    except RecursionError as wrong:
        raise _Faulty(TOO_MUCH, what="((…))") from wrong
    _keep_to_the_language(tree, looping=False, depth=0)
    return tree


def _keep_to_the_language(tree: nodes.Node, *, looping: bool, depth: int) -> None:
    for node in tree.iter_child_nodes():
        if not isinstance(node, _PLAIN) or depth > DEEPEST:
            raise _Faulty(TOO_MUCH, what=type(node).__name__.lower())
        if isinstance(node, nodes.Name) and node.name in OF_JINJA:
            raise _Faulty(TOO_MUCH, what=node.name)
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise _Faulty(TOO_MUCH, what=f"| {node.name}")
        if isinstance(node, nodes.For):
            _keep_to_a_list(node, looping=looping)
        _keep_to_the_language(node, looping=looping or isinstance(node, nodes.For), depth=depth + 1)
        # A text joined by a text grows by their product.
        if isinstance(node, nodes.Filter) and node.name == "join" and not _is_a_list(node.node):
            raise _Faulty(TOO_MUCH, what="| join")


def _keep_to_a_list(loop: nodes.For, *, looping: bool) -> None:
    if looping:
        raise _Faulty(NESTED)
    if not _is_a_list(loop.iter) or not isinstance(loop.target, nodes.Name) or loop.recursive:
        raise _Faulty(NOT_A_LIST, lists=", ".join(LISTS))


def _is_a_list(node: nodes.Node | None) -> bool:
    return isinstance(node, nodes.Name) and node.name in LISTS


def _unknown(node: nodes.Node, local: Mapping[str, tuple[str, ...]]) -> Iterator[Fault]:
    """Fields that nobody gives. `local` holds the names of a loop and their parts."""
    match node:
        case nodes.For(target=nodes.Name(name=item), iter=nodes.Name(name=listed)):
            local = {**local, item: LISTS[listed], "loop": OF_A_LOOP}
            for child in (*node.body, *node.else_):
                yield from _unknown(child, local)
            return
        case nodes.Getattr(node=nodes.Name(name=name), attr=attr):
            if attr not in local.get(name, FIELDS.get(name, ())):
                yield UNKNOWN, {"field": f"{name}.{attr}"}
            return
        case nodes.Getattr(attr=attr):
            yield UNKNOWN, {"field": f"….{attr}"}
            return
        case nodes.Name(name=name):
            if name not in local and name not in FIELDS:
                yield UNKNOWN, {"field": name}
            return
    for child in node.iter_child_nodes():
        yield from _unknown(child, local)
