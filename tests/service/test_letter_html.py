"""The HTML of a letter says what its text says, escaped, and reaches for nothing."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.letter_html import html_of
from service.letters import Draft, write
from workflow.regulation import Letter

AT = datetime(2026, 5, 18, 7, 0, tzinfo=UTC)
CONFIRM, DISPUTE = "https://desk.example.org/confirm/abc", "https://desk.example.org/dispute/def"


def html(text: str, *buttons: str) -> str:
    return html_of(text, subject="S", language="ru", buttons=buttons)


def body_of(document: str) -> str:
    return document.partition("<body")[2].partition(">")[2]


def words(document: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body_of(document))).split())


def written(text: str, *, about: str = "Done", name: str = "", **context: str) -> EmailMessage:
    draft = Draft("completed", "ivan@example.com", "en", context | {"text": about}, name=name)
    letter = write(
        draft, Letter(subject="{{ text }}", body=text), id=uuid4(), ticket=uuid4(), number="2026-1", thread=(), at=AT
    )
    mail = message_from_bytes(letter.original, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_what_somebody_typed_stays_text() -> None:
    shown = html('<script>alert(1)</script> & "so"')
    assert "<script>" not in shown
    assert words(shown) == '<script>alert(1)</script> & "so"'


def test_paragraphs_and_lines_stay_apart() -> None:
    shown = body_of(html("One\ntwo\n\nThree"))
    assert re.findall(r"<p[^>]*>(.*?)</p>", shown, re.DOTALL) == ["One<br>\ntwo", "Three"]


def test_an_address_becomes_a_link_without_the_full_stop_behind_it() -> None:
    assert '<a href="https://example.org/a?b=1&amp;c=2">' in html("See https://example.org/a?b=1&c=2.")


def test_confirm_and_dispute_become_two_buttons_with_the_words_before_them() -> None:
    shown = html(
        f"Confirm the solution: {CONFIRM}\nDisagree: {DISPUTE}\nStatus: https://desk.example.org/s", CONFIRM, DISPUTE
    )
    buttons = re.findall(r'<a href="([^"]+)" style="[^"]+">([^<]+)</a>', shown)
    assert buttons == [(CONFIRM, "Confirm the solution"), (DISPUTE, "Disagree")]
    assert ">https://desk.example.org/s</a>" in shown


def test_an_address_without_words_before_it_stays_a_link() -> None:
    assert f">{CONFIRM}</a>" in html(CONFIRM, CONFIRM)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_nothing_is_ever_fetched_and_no_tag_is_let_in(text: str) -> None:
    shown = body_of(html(text))
    assert set(re.findall(r"<([a-z]+)", shown)) <= {"div", "p", "br", "a"}
    assert "src=" not in re.sub(r">[^<]*<", "><", shown)


def test_the_text_comes_first_and_the_html_says_the_same() -> None:
    mail = written(f"Готово.\n\nConfirm: {CONFIRM}\n", confirm_url=CONFIRM)
    assert mail.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    plain, rich = (part.get_content() for part in mail.iter_parts())
    assert plain.replace("\r\n", "\n") == f"Готово.\n\nConfirm: {CONFIRM}\n"
    assert words(rich) == "Готово. Confirm"
    assert f'href="{CONFIRM}"' in rich
    assert mail["Content-Language"] == "en"


def test_no_line_is_longer_than_the_wire_takes() -> None:
    mail = written("x" * 5_000)
    assert max(map(len, mail.as_bytes().splitlines())) <= 998
    assert mail.get_body(("plain",)).get_content().strip() == "x" * 5_000  # type: ignore[union-attr]


def _tight(name: str) -> str:
    """Without blanks: the library's reader puts some between the encoded words of a name."""
    return "".join(name.split())


@pytest.mark.parametrize(
    "words", ["=?utf-8?Q?=0D=0ABcc:_x@example.net?=", "=?utf-8?Q?=D0=97?= =?utf-8?Q?=D1?= Сбой", "=?", "a =?x?= b"]
)
def test_what_looks_like_an_encoded_word_in_a_subject_or_a_name_stays_as_it_was_typed(words: str) -> None:
    mail = written("x", about=words, name=words)
    assert mail["Bcc"] is None
    assert str(mail["Subject"]) == f"Заявка#2026-1 {words}"
    assert mail["To"].addresses[0].addr_spec == "ivan@example.com"
    assert _tight(mail["To"].addresses[0].display_name) == _tight(words)


@pytest.mark.parametrize(
    "name",
    ["Щукин, Пётр", 'O"Neil \\ Co, (Ltd)', "Ivan Petrov", "a@b", "J. Doe", "Ё" * 200, "x" * 600, "tab\tand\x07bell"],
)
def test_a_name_is_one_name_whatever_it_holds(name: str) -> None:
    mail = written("x", name=name)
    [one] = mail["To"].addresses
    assert one.addr_spec == "ivan@example.com"
    assert _tight(one.display_name) == _tight(name)
    assert max(map(len, mail.as_bytes().splitlines())) <= 998


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_subject_is_one_line_and_comes_back(subject: str) -> None:
    mail = written("x", about=subject)
    said = " ".join(subject.split())[:500]
    assert [name for name, _value in mail.items()].count("Subject") == 1
    assert str(mail["Subject"]) == f"Заявка#2026-1 {said}".strip()
