"""Mails are read back by the standard library as they were meant, whatever names and subjects hold."""

import re
import string
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.mime import attachment_size, line_of, mail_bytes, mailbox, with_attachments

BOUNDARY = "=_b0undary"


def written(text: str = "Текст", html: str = "<p>Текст</p>", **headers: str) -> bytes:
    return mail_bytes(list(headers.items()), text=text, html=html, boundary=BOUNDARY)


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)  # type: ignore[return-value]


def decoded(value: str) -> str:
    return " ".join(str(make_header(decode_header(value))).split())


@pytest.mark.parametrize(
    "subject",
    [
        "Short", "Заявка#2026-00001 Печать молчит", "Ы" * 300, "a " * 200, "=?utf-8?b?bWFsd2FyZQ==?=", "x" * 400,
        "Слово " * 60, "🖨 " * 50, "Перенос\r\nBcc: thief@example.org",
    ],
)  # fmt: skip
def test_a_subject_arrives_on_one_line_as_it_was(subject: str) -> None:
    mail = message_from_bytes(written(Subject=line_of(subject)), policy=policy.compat32)
    assert decoded(mail["Subject"]) == " ".join(subject.split())
    assert mail["Bcc"] is None


WORDS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=60)


@given(st.lists(WORDS, min_size=1, max_size=20))
def test_any_words_arrive_in_lines_that_no_server_cuts(words: list[str]) -> None:
    raw = written(Subject=line_of(" ".join(words)))
    mail = message_from_bytes(raw, policy=policy.compat32)
    assert decoded(mail["Subject"]) == " ".join(" ".join(words).split())
    assert max(len(line) for line in raw.partition(b"MIME-Version")[0].split(b"\r\n")) <= 998


def test_lines_with_encoded_words_are_no_longer_than_the_standard_allows() -> None:
    raw = written(Subject=line_of("Очень длинная тема письма о печати " * 8))
    head = raw.partition(b"\r\nMIME-Version")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 76


@pytest.mark.parametrize(
    "name",
    ["", "Anna", "Щукин, Пётр", 'A "quoted" \\ name', "Марина Олеговна Быстрова", "Emily Harbour-Smith", "a, b; c: d"],
)
def test_a_recipient_is_one_person(name: str) -> None:
    mail = read(written(To=mailbox("p@example.org", name=name)))
    assert [one.addr_spec for one in mail["To"].addresses] == ["p@example.org"]
    assert mail["To"].addresses[0].display_name.replace("  ", " ") == name


def test_a_name_is_cut_between_its_words() -> None:
    words = re.findall(r"=\?utf-8\?b\?[^?]+\?=", mailbox("b@example.org", name="Марина Олеговна Быстрова"))
    assert [decoded(word) for word in words] == ["Марина Олеговна", "Быстрова"]


@pytest.mark.parametrize(
    "text", ["plain\nlines\n", "Русский\nтекст\n", "x" * 2_000 + "\n", string.printable.split("\r")[0]]
)
def test_both_parts_arrive_as_they_were(text: str) -> None:
    mail = read(written(text=text, html=f"<p>{text}</p>"))
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == text.rstrip("\n")
    assert html.get_content().startswith("<p>")
    assert mail.is_multipart()
    assert mail.defects == []


# --- files ------------------------------------------------------------------------------------------------------------


def with_files(*files: tuple[str, str, bytes]) -> bytes:
    return with_attachments(written(Subject="See below"), files, boundary="=_files_b0undary")


@pytest.mark.parametrize(
    "name",
    [
        "log.zip", "снимок экрана.png", "Ы" * 200 + ".png", 'кавычки "внутри".png', "back\\slash.png",
        "a" * 300 + ".zip", "semi;colon=.png", "100%.png", "🖨.gif", "=?utf-8?b?bWFsd2FyZQ==?=.png",
        "line\r\nbreak: x.png",
    ],
)  # fmt: skip
def test_a_file_arrives_byte_for_byte_under_its_name(name: str) -> None:
    content = bytes(range(256)) * 5
    raw = with_files((name, "image/png", content))
    mail = read(raw)
    assert mail["Subject"] == "See below"
    assert mail.get_body(("plain",)).get_content().strip() == "Текст"  # type: ignore[union-attr]
    assert mail.get_body(("html",)).get_content().strip() == "<p>Текст</p>"  # type: ignore[union-attr]
    (file,) = mail.iter_attachments()
    assert file.get_filename() == " ".join(name.split())
    assert (file.get_content_type(), file.get_content_disposition()) == ("image/png", "attachment")
    assert file.get_payload(decode=True) == content
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert [fault for part in mail.walk() for fault in part.defects] == []


@given(WORDS, st.binary(max_size=500))
def test_any_name_and_any_content_arrive(name: str, content: bytes) -> None:
    (file,) = read(with_files((name, "application/zip", content))).iter_attachments()
    assert file.get_filename() == name
    assert file.get_payload(decode=True) == content


def test_programs_that_know_no_newer_names_find_an_older_one() -> None:
    mail = message_from_bytes(with_files(("снимок.png", "image/png", b"x")), policy=policy.compat32)
    assert decoded(mail.get_payload()[1].get_param("name")) == "снимок.png"  # type: ignore[index, union-attr, arg-type]


def test_several_files_keep_their_order_and_a_mail_inside_is_only_a_file() -> None:
    mail = read(with_files(("1.zip", "application/zip", b"1"), ("letter.eml", "message/rfc822", b"From: a\r\n\r\nx")))
    assert [(one.get_filename(), one.get_content_type()) for one in mail.iter_attachments()] == [
        ("1.zip", "application/zip"), ("letter.eml", "application/octet-stream"),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [0, 1, 57, 58, 1_000, 1_000_000])
def test_the_size_of_a_file_in_a_mail_is_known_before_it_is_written(size: int) -> None:
    bare, whole = len(with_files()), len(with_files(("снимок.png", "image/png", bytes(size))))
    assert 0 <= attachment_size(size) - (whole - bare) <= 600
