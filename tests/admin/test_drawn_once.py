"""What is drawn once is drawn anew for whatever it shows and for nothing else, and never knows who reads it."""

from dataclasses import replace
from itertools import product

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from admin.drawings import Drawings
from admin.drawn_once import Once
from admin.pages import environment, render_text
from service.words import Language
from tests.admin.test_layout import a_reading
from workflow.definition import Role


class Told:
    """A value that counts how often it was drawn; all of one name are equal."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.drawn = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Told) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        self.drawn += 1
        return self.name


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of earlier tests, nor for later ones."""
    monkeypatch.setattr(environment().extensions[Once.identifier], "drawings", Drawings())


def shown(source: str, language: Language = "en", **values: object) -> str:
    return render_text(environment().from_string(source), a_reading(language), **values)


def test_equal_values_are_drawn_once_and_others_anew() -> None:
    template = environment().from_string("{% once %}<b>{{ one }}</b>{% endonce %}")
    first, equal, other = Told("<a>"), Told("<a>"), Told("<b>")
    assert [render_text(template, a_reading(), one=one) for one in (first, equal, other)] == [
        "<b>&lt;a&gt;</b>", "<b>&lt;a&gt;</b>", "<b>&lt;b&gt;</b>",
    ]  # fmt: skip
    assert (first.drawn, equal.drawn, other.drawn) == (1, 0, 1)


def test_every_name_that_stands_free_is_part_of_the_key() -> None:
    cells = "{% for one in cells %}{{ one }}{{ loop.index }}{% endfor %}"
    body = "{% if wide %}{{ row }}" + cells + "{% with a = note %}{{ a }}{% endwith %}{% endif %}"
    template = environment().from_string("{% for row in rows %}{% once %}" + body + "{% endonce %}{% endfor %}")
    values = {"rows": ("r", "s"), "wide": True, "cells": ("x", "y"), "note": "n"}
    assert render_text(template, a_reading(), **values) == "rx1y2nsx1y2n"
    assert render_text(template, a_reading(), **values | {"note": "m"}) == "rx1y2msx1y2m"
    assert render_text(template, a_reading(), **values | {"cells": ("x",)}) == "rx1nsx1n"
    assert render_text(template, a_reading(), **values | {"wide": False}) == ""


def test_text_is_escaped_though_equal_markup_was_drawn_before() -> None:
    template = environment().from_string("{% once %}{{ one }}{% endonce %}")
    assert [render_text(template, a_reading(), one=one) for one in (Markup("<b>"), "<b>")] == ["<b>", "&lt;b&gt;"]


def test_each_language_has_its_own() -> None:
    template = environment().from_string('{% once %}{{ t("Queue") }}{% endonce %}')
    assert [render_text(template, a_reading(language)) for language in ("en", "ru", "en")] == [
        "Queue", "Очередь", "Queue",
    ]  # fmt: skip


def test_parts_are_told_apart_wherever_they_stand() -> None:
    assert shown("{% once %}a{{ x }}{% endonce %} {% once %}b{{ x }}{% endonce %}", x=1) == "a1 b1"
    assert shown("{% once %}c{{ x }}{% endonce %}", x=1) == "c1"


@pytest.mark.parametrize("asked", ["{{ reader().name }}", "{{ csrf_input() }}", "{{ zone_name() }}"])
def test_it_cannot_ask_who_reads_it(asked: str) -> None:
    with pytest.raises(RuntimeError, match="give it as a value"):
        shown(f"{{% once %}}{asked}{{% endonce %}}")
    assert shown("{% once %}{{ one }}{% endonce %}", one=1) == "1"  # and the next part is drawn as ever


def test_what_may_change_behind_the_key_is_refused() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        shown("{% once %}{{ rows | length }}{% endonce %}", rows=[1, 2])
    with pytest.raises(UndefinedError):
        shown("{% once %}{{ forgotten }}{% endonce %}")


def test_every_reader_gets_the_frame_that_is_theirs_whoever_came_before(monkeypatch: pytest.MonkeyPatch) -> None:
    page = environment().from_string('{% extends "layout.html" %}{% block title %}x{% endblock %}')
    paths = ("/desk", "/people/1", "/reports?months=1", "/nowhere")
    readers = [
        replace(a_reading(role=role, name=name), path=path)
        for role, path, name in product([None, *Role], paths, ["Ann", "<Bob>"])
    ]
    kept = [render_text(page, reader) for reader in readers]
    for reader, shown_among_others in zip(readers, kept, strict=True):
        monkeypatch.setattr(environment().extensions[Once.identifier], "drawings", Drawings())
        assert render_text(page, reader) == shown_among_others
