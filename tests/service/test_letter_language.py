"""What a letter may say: known fields in few constructs, and nothing that runs away or reaches out."""

import time

import msgspec
import pytest

from service.letter_language import FIELDS, LONGEST_TEMPLATE, faults, letter_problems
from service.letters import LONGEST, BadTemplate, render
from service.regulations import obstacles
from workflow.regulation import Letter, default_regulation

DEFAULT = default_regulation()


def said(source: str) -> list[str]:
    return [sentence.format(**params) for sentence, params in faults(source)]


def rendered(body: str, **context: object) -> str:
    return render(Letter("Subject", body), context)[1]


def test_the_letters_that_ship_are_faultless() -> None:
    assert letter_problems(DEFAULT) == ()
    assert obstacles(DEFAULT) == ()


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ("{{ tiket }}", "tiket"),
        ("{{ ticket.numbr }}", "ticket.numbr"),
        ("{{ ticket.number.real }}", "….real"),
        ("{{ text.upper }}", "text.upper"),
        ("{% if contact.name %}x{% endif %}", "contact.name"),
        ("{% for one in notices %}{{ one.body }}{% endfor %}", "one.body"),
        ("{% for one in missing %}{{ one.name }}{% endfor %}", "one.name"),
        ("{% for one in missing %}{{ loop.cycle }}{% endfor %}", "loop.cycle"),
        ("{% for one in missing %}{% endfor %}{{ one }}", "one"),
        ("{{ missing | join(sep) }}", "sep"),
        ("{{ range }}", "range"),
    ],
)
def test_a_field_that_nobody_gives_is_named(source: str, field: str) -> None:
    assert said(source) == [f"There is no field called {field}."]


@pytest.mark.parametrize(
    "source",
    [
        "{{ ticket.due_at or 'soon' }} {{ text | trim | upper }}",
        "{% for one in notices %}{{ loop.index }}. {{ one.subject }} {{ text }}{% else %}{{ centre }}{% endfor %}",
        "{% if not extended and step is defined %}{{ clock ~ ', ' ~ step }}{% elif missing | length > 2 %}!{% endif %}",
    ],
)
def test_what_letters_need_is_allowed(source: str) -> None:
    assert said(source) == []


RUNAWAYS = [
    "{{ 'x' * 1000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ text | center(1000000000) }}",
    "{{ text | replace('a', text) }}",
    "{{ text | join(text) }}",
    "{% for a in text %}{% for b in text %}{{ a }}{% endfor %}{% endfor %}",
    "{% for a in notices %}{% for b in notices %}x{% endfor %}{% endfor %}",
    "{% for a in [1, 2] %}x{% endfor %}",
    "{% set a = text %}{% set a = a ~ a %}{{ a }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% for a in notices recursive %}{{ loop(notices) }}{% endfor %}",
    "{% include 'other' %}",
    "{% filter upper %}x{% endfilter %}",
    "{{ ''.__class__ }}",
    "{{ ticket.__class__.__mro__ }}",
    "{{ ticket['__class__'] }}",
    "{{ text | attr('__class__') }}",
    "{{ text.format(ticket) }}",
    "{{ self }}",
    "{{ " + "(" * 500 + "text" + ")" * 500 + " }}",
    "{% if " + "not " * 60 + "text %}x{% endif %}",
    "{{ text",
    "{% for %}",
    "x" * (LONGEST_TEMPLATE + 1),
]


@pytest.mark.parametrize("source", RUNAWAYS)
def test_what_runs_away_or_reaches_out_is_refused_at_once(source: str) -> None:
    began = time.perf_counter()
    assert said(source)
    with pytest.raises(BadTemplate):
        rendered(source, text="a" * 50_000, ticket={"number": "1"}, notices=[{}] * 1_000)
    assert time.perf_counter() - began < 1


def test_a_letter_stops_growing_at_its_longest() -> None:
    began = time.perf_counter()
    body = rendered("{{ text }}" * 1_900, text="a" * 50_000)
    assert len(body) == LONGEST + 1
    assert time.perf_counter() - began < 1


def test_every_field_renders_to_nothing_where_nobody_gives_it() -> None:
    plain = [name for name, parts in FIELDS.items() if not parts]
    assert rendered(" ".join(f"{{{{ {name} }}}}" for name in plain)) == "\n"


def test_an_unknown_field_keeps_a_regulation_from_being_published() -> None:
    letters = DEFAULT.letters | {"closed": DEFAULT.letters["closed"] | {"en": Letter("{{ ticket.numbr }}", "Bye")}}
    found = obstacles(msgspec.structs.replace(DEFAULT, letters=letters))
    assert [one.place for one in found] == ["letters.closed.en.subject"]
