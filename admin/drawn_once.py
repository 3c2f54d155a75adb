"""Parts of pages that are drawn once for all who read them alike: `{% once %}…{% endonce %}`.

What such a part shows is kept under the values of all names that stand free in it, found when the template is compiled,
and under the language: nothing else reaches it. So it is drawn anew whenever one of them differs, and whoever writes it
has no key to forget. Its values must be hashable; of its reader it is told the language alone.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import TYPE_CHECKING, Final, NoReturn, cast

from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.meta import find_undeclared_variables
from jinja2.parser import Parser
from markupsafe import Markup

from admin.drawings import Drawings
from service.words import Language

if TYPE_CHECKING:
    from admin.pages import Reading

# Macros are compiled once for all readers, so what depends on the reader reaches them this way.
READING: Final[ContextVar[Reading]] = ContextVar("reading")


class Nobody:
    """Stands in for the reader where something is drawn for all; to ask more of him than the language is a mistake."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(f"a part that is drawn once asks for its reader's {name}; give it as a value")


@contextmanager
def read_by_nobody(language: Language) -> Iterator[Reading]:
    """While a part is drawn for everybody who reads this language."""
    nobody = cast("Reading", Nobody(language))
    token = READING.set(nobody)
    try:
        yield nobody
    finally:
        READING.reset(token)


class Once(Extension):
    """The tag."""

    tags = {"once"}  # noqa: RUF012  as the base class has it

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.drawings = Drawings()
        self.parts = count()

    def parse(self, parser: Parser) -> nodes.Node:
        """A call that is told which part it draws and what its free names mean there."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endonce",), drop_needle=True)
        alone = nodes.Template(body, lineno=line)
        alone.set_environment(self.environment)
        free = sorted(find_undeclared_variables(alone) - self.environment.globals.keys())
        values = nodes.Tuple([nodes.Name(name, "load") for name in free], "load")
        drawn = self.call_method("_drawn", [nodes.Const(next(self.parts)), values])
        return nodes.CallBlock(drawn, [], [], body).set_lineno(line)

    def _drawn(self, part: int, values: tuple[Hashable, ...], caller: Callable[[], Markup]) -> Markup:
        language = READING.get().language

        def draw() -> Markup:
            with read_by_nobody(language):
                return caller()

        kinds = tuple(type(value) for value in values)  # markup equals the text that would have to be escaped
        return self.drawings.of((part, language, values, kinds), draw)
