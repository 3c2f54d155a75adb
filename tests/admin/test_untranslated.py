"""Nothing that people read stands in a template, in code or in a script without going through the translation."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import nodes

from admin.pages import TEMPLATES, environment

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "admin" / "static"
TRANSLATES = ("t", "ngettext")
# Attributes that a reader or a screen reader is told.
SPOKEN = ("title", "placeholder", "aria-label", "alt", "label")
# What is the same in every language: names of forms, of keys, of the two languages themselves.
SAME_EVERYWHERE = {
    "autofocus", "required",  # attributes without a value
    "API", "CSV", "Ctrl", "EN", "English", "Enter", "HTML", "HTTP", "ID", "JSON", "PDF", "RU", "URL", "XLSX", "Русский",
}  # fmt: skip
WORD = re.compile(r"[^\W\d_]{2,}")
SENTENCE = re.compile(r"[^\W\d_]{2,}[,.:]? [^\W\d_]{2,}")


def words_of(text: str) -> list[str]:
    return [word for word in WORD.findall(text) if word not in SAME_EVERYWHERE]


# --- templates --------------------------------------------------------------------------------------------------------


def untranslated(source: str) -> Iterator[str]:
    """Texts between the tags, in spoken attributes, and sentences among the arguments, that no `t` surrounds."""
    tree = environment().parse(source)
    markup = "".join(_shown(tree))
    for attribute, value in re.findall(r'\b([\w-]+)="([^"]*)"', markup):
        if attribute in SPOKEN and words_of(value):
            yield f"{attribute}={value}"
    # Samples and codes are told as machines read them.
    bare = re.sub(r"<(pre|code|script|style|kbd)\b.*?</\1>", " ", markup, flags=re.DOTALL)
    for text in re.sub(r"<[^>]*>|\b[\w-]+=\"[^\"]*\"", "\n", bare).split("\n"):
        if words_of(text):
            yield text.strip()
    for told in _constants(tree):
        if SENTENCE.search(told) and words_of(told) and not re.fullmatch(r"[a-z0-9 -]+", told):
            yield told


def _shown(tree: nodes.Node) -> Iterator[str]:
    """The markup with a blank where a value will stand."""
    classes = {id(output) for block in tree.find_all(nodes.Block) if block.name == "width" for output in block.body}
    for output in tree.find_all(nodes.Output):
        if id(output) not in classes:
            for part in output.nodes:
                yield part.data if isinstance(part, nodes.TemplateData) else "\x1f"


def _constants(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in TRANSLATES:
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str) and "<" not in node.value:
        yield node.value
    for child in node.iter_child_nodes():
        yield from _constants(child)


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_no_template_shows_a_text_of_one_language(path: Path) -> None:
    assert list(untranslated(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>", '<p title="Look here">{{ t("x") }}</p>', '<input placeholder="Name">', "<b>Привет</b>",
        '{{ button("Send it now") }}', '{% call help_panel("What is this?") %}{{ t("x") }}{% endcall %}',
        "{{ t('x') }} and more",
    ],
)  # fmt: skip
def test_the_test_sees_a_text_of_one_language(source: str) -> None:
    assert list(untranslated(source)) != []


@pytest.mark.parametrize(
    "source",
    [
        '<p class="soft small">{{ t("Hello there") }}</p>', '<a href="/a b c">{{ number }}</a>', "{{ x }} · {{ y }}",
        '{{ button(t("Send it now"), "plain main") }}', "<pre>organisation;domains and more</pre>", "<b>CSV</b>",
    ],
)  # fmt: skip
def test_the_test_lets_markup_be(source: str) -> None:
    assert list(untranslated(source)) == []


# --- code -------------------------------------------------------------------------------------------------------------

FOLDERS = ("workflow", "service", "notifications", "admin")
# Those whose second argument, or whose first, is a sentence for people.
TELLS = {"FieldError": 1, "flash": 1, "NotFound": 0, "Refusal": 0, "Problem": 1, "Place": 1, "Act": 1}
# Where Russian letters are matter and not words: mail of others, columns of tables, the demo, texts in both languages.
RUSSIAN_IS_MATTER = {
    "service/charsets.py", "service/demo_story.py", "service/customer_table.py", "service/api/examples.py",
    "service/letters.py", "notifications/mail/brakes.py",
    "notifications/mail/classify.py", "notifications/mail/parse.py", "notifications/mail/quotes.py",
    "notifications/mail/reports.py", "notifications/mail/taking.py", "notifications/mail/thanks.py",
    "notifications/mail/threads.py", "admin/regulation/form.py",
}  # fmt: skip
COMMANDS = {"service/deadline_batch.py", "service/doctor.py"}  # the terminal speaks English


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "piccolo_migrations" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def bare_sentences(tree: ast.AST) -> Iterator[str]:
    """Sentences for people that are plain strings and not marked with `_`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = TELLS.get(name)
            told = node.args[place] if place is not None and place < len(node.args) else None
            if isinstance(told, ast.Constant) and isinstance(told.value, str) and SENTENCE.search(told.value):
                yield f"line {node.lineno}: {told.value}"
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if {"sentence", "label", "asks", "hint"} & set(names) and SENTENCE.search(node.value.value):
                yield f"line {node.lineno}: {node.value.value}"


def russian(tree: ast.Module) -> Iterator[str]:
    """Strings with Russian words, docstrings apart."""
    told = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(
        node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    ) and node.body and isinstance(node.body[0], ast.Expr)}  # fmt: skip
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if id(node) not in told and re.search(r"[а-яё]{2,}", text, re.IGNORECASE) and text not in SAME_EVERYWHERE:
            yield f"line {node.lineno}: {text[:60]}"  # type: ignore[attr-defined]


def test_no_sentence_of_the_code_is_left_unmarked() -> None:
    found = {path: list(bare_sentences(tree)) for path, tree in modules() if path not in COMMANDS}
    assert {path: told for path, told in found.items() if told} == {}


def test_no_russian_stands_in_the_code() -> None:
    """It belongs into the catalogue; what is said in the code is English."""
    found = {path: list(russian(tree)) for path, tree in modules() if path not in RUSSIAN_IS_MATTER}
    assert {path: told for path, told in found.items() if told} == {}


def test_the_test_sees_an_unmarked_sentence() -> None:
    wrong = 'FieldError("name", "This is wrong.", {})'
    for source in (wrong, 'class A:\n    sentence = "Not so fast."', 'flash(request, "All done")'):
        assert list(bare_sentences(ast.parse(source)))
    assert not list(bare_sentences(ast.parse('FieldError("name", _("This is wrong."), {})')))
    assert list(russian(ast.parse('say("Привет")')))


# --- scripts and sheets -----------------------------------------------------------------------------------------------

STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\\\n]|\\.)*)\'|`((?:[^`\\]|\\.)*)`')


def words_in_script(source: str) -> Iterator[str]:
    """Strings of a script that a reader could be shown: sentences, and anything in Russian."""
    code = re.sub(r"(^|\s)//[^\n]*|/\*.*?\*/", "", source, flags=re.DOTALL)
    for found in STRING.finditer(code):
        text = next(part for part in found.groups() if part is not None)
        plain = re.sub(r"\$\{[^}]*\}", "", text)
        selector = re.search(r"[\[\]#.>:=*^]|^(use strict|[a-z]+(, [a-z]+)*)$", plain)
        if re.search(r"[а-яё]", plain, re.IGNORECASE) or (SENTENCE.search(plain) and not selector):
            yield text


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_no_script_holds_words_of_its_own(path: Path) -> None:
    """What a script says comes from the page, in the language of the page."""
    assert list(words_in_script(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.css")), ids=lambda path: path.name)
def test_no_sheet_writes_words_onto_a_page(path: Path) -> None:
    assert [told for told in re.findall(r'content:\s*"([^"]*)"', path.read_text("utf-8")) if words_of(told)] == []


def test_the_test_sees_words_in_a_script() -> None:
    assert list(words_in_script('place.textContent = "New rows have come";'))
    assert list(words_in_script("say('Готово')"))
    assert not list(words_in_script('"use strict"; document.querySelector("form[action*=\'/x/\'] input"); // New rows'))
