"""Whole mails: what the paper calls nasty, built here byte by byte."""

# ruff: noqa: E501 - mails stand here as they arrive

import json
from base64 import b64encode, encodebytes
from collections.abc import Callable

import pytest

from notifications.mail.limits import Limits
from notifications.mail.parse import parse_mail
from notifications.mail.parsed import ParsedMail

HEAD = b"From: p@example.org\r\nSubject: Test\r\nMIME-Version: 1.0\r\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(30)


def a_mail(body: bytes = b"hello", *, head: bytes = HEAD, **headers: str) -> ParsedMail:
    lines = b"".join(f"{name.replace('_', '-')}: {value}\r\n".encode() for name, value in headers.items())
    return parse_mail(head + lines + b"\r\n" + body)


def a_multipart(*parts: bytes, kind: str = "mixed", boundary: str = "B") -> ParsedMail:
    body = b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + b"--B--\r\n"
    return a_mail(body, Content_Type=f'multipart/{kind}; boundary="{boundary}"')


def a_file(data: bytes, disposition: bytes = b'attachment; filename="x.png"', kind: bytes = b"image/png") -> bytes:
    head = b"Content-Type: " + kind + b"\r\nContent-Disposition: " + disposition
    return head + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encodebytes(data)


@pytest.mark.parametrize("charset", ["cp1251", "koi8-r", "cp866", "iso8859-5", "utf-8"])
@pytest.mark.parametrize("words", ["Не работает печать документов", "НЕ РАБОТАЕТ ПЕЧАТЬ ДОКУМЕНТОВ"])
def test_raw_8_bit_subject_name_and_body_without_a_charset(charset: str, words: str) -> None:
    raw = f"From: Пётр <p@example.org>\nSubject: {words}\n\n{words}\n".encode(charset)
    mail = parse_mail(raw)
    assert (mail.subject, mail.text, mail.from_ and mail.from_.name) == (words, words, "Пётр")


def test_a_koi8_label_over_cp1251_bytes() -> None:
    raw = "Subject: Тема\nContent-Type: text/plain; charset=koi8-r\n\nНе работает печать".encode("cp1251")
    mail = parse_mail(raw)
    assert (mail.subject, mail.text) == ("Тема", "Не работает печать")


def test_umlauts_under_a_weak_label_stay_latin() -> None:
    raw = HEAD + b"Content-Type: text/plain; charset=us-ascii\r\n\r\n" + "Grüße, Ärger mit Öl".encode("latin-1")
    assert parse_mail(raw).text == "Grüße, Ärger mit Öl"


@pytest.mark.parametrize("label", ["unknown-8bit", "win-1251", "x-unknown", '"charset=windows-1251"', "zip", ""])
def test_odd_labels(label: str) -> None:
    mail = parse_mail(HEAD + f"Content-Type: text/plain; charset={label}\r\n\r\n".encode() + "Привет".encode("cp1251"))
    assert mail.text == "Привет"


def test_nul_bytes_and_lone_surrogates_are_replaced() -> None:
    raw = b'From: p@example.org\nSubject: a\x00b =?utf-7?Q?+2D0-?=\nContent-Type: text/plain; name="\x00"\n\na\x00b\xed\xa0\x80'
    mail = parse_mail(raw)
    assert mail.text.startswith("a\ufffdb")
    for text in (mail.subject, mail.text, mail.reply):
        assert "\x00" not in text
        text.encode()


def test_text_from_html_only() -> None:
    mail = a_mail(
        "<html><body><p>Не <b>работает</b></p></body></html>".encode(), Content_Type="text/html; charset=utf-8"
    )
    assert (mail.text, mail.reply) == ("Не работает", "Не работает")
    assert mail.html == "<p>Не <b>работает</b></p>"


def test_the_meta_charset_of_html_without_a_label() -> None:
    body = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=koi8-r"></head>Почта'.encode(
        "koi8-r"
    )
    assert a_mail(body, Content_Type="text/html").text == "Почта"


def test_alternative_gives_text_and_html_of_the_same_words() -> None:
    plain = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "Текст".encode()
    html = b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>" + "Текст".encode() + b"</p>"
    mail = a_multipart(plain, html, kind="alternative")
    assert (mail.text, mail.html, mail.attachments) == ("Текст", "<p>Текст</p>", ())


def test_a_picture_in_an_empty_body() -> None:
    mail = a_multipart(b"Content-Type: text/plain\r\n\r\n\r\n", a_file(PNG))
    assert (mail.text, [file.filename for file in mail.attachments]) == ("", ["x.png"])


def test_inline_pictures_keep_their_content_id() -> None:
    html = b'Content-Type: text/html\r\n\r\n<p>see <img src="cid:logo@x"></p>'
    picture = (
        b"Content-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b64encode(PNG)
    )
    mail = a_multipart(html, picture, kind="related")
    assert mail.attachments[0].content_id == "logo@x"
    assert mail.attachments[0].inline
    assert mail.attachments[0].filename == "attachment-1.png"
    assert "cid:logo@x" in (mail.html or "")


def test_content_type_is_judged_by_content() -> None:
    mail = a_multipart(b"\r\nhi", a_file(b"MZ\x90\x00" + bytes(60)), a_file(b"<html><script>x</script>"))
    assert [file.content_type for file in mail.attachments] == [
        "application/vnd.microsoft.portable-executable",
        "text/html",
    ]


@pytest.mark.parametrize(
    "head",
    [
        b'Content-Type: multipart/mixed; boundary="WRONG"',
        b"Content-Type: multipart/mixed",
        b"Content-Type: multipart/mixed; boundary=",
    ],
)
def test_a_missing_or_wrong_boundary(head: bytes) -> None:
    body = b"--B\r\nContent-Type: text/plain\r\n\r\nhello\r\n--B\r\n" + a_file(PNG) + b"\r\n--B--\r\n"
    mail = parse_mail(HEAD + head + b"\r\n\r\n" + body)
    assert (mail.subject, mail.text, len(mail.attachments)) == ("Test", "hello", 1)


def test_a_multipart_without_any_boundary_line_is_text() -> None:
    assert a_mail(b"only words", Content_Type="multipart/mixed; boundary=B").text == "only words"


def test_a_mail_cut_in_its_attachment_keeps_what_came() -> None:
    body = b"--B\r\n\r\nhello\r\n--B\r\n" + a_file(PNG * 50)[:400]
    mail = a_mail(body, Content_Type="multipart/mixed; boundary=B")
    assert mail.text == "hello"
    assert mail.attachments[0].data.startswith(PNG)
    assert "cut" in mail.defects


@pytest.mark.parametrize(
    "broken", [b"this is no header\r\n", b"\xff\xfe garbage\r\n\tgoes on\r\n", b": no name\r\n", b">From x\r\n"]
)
def test_a_broken_header_line_above_the_subject(broken: bytes) -> None:
    mail = parse_mail(b"Received: x\r\n" + broken + HEAD + b"\r\nhello")
    assert (mail.subject, mail.text) == ("Test", "hello")


def test_odd_line_ends_and_a_mailbox_line() -> None:
    for raw in (
        b"From p@example.org Mon Jan 1\nFrom: p@example.org\nSubject: Test\n\nhello\n",
        b"\r\n\r\n" + HEAD + b"\r\nhello",
        (HEAD + b"\r\nhello").replace(b"\r\n", b"\r"),
        (HEAD + b"\r\nhello").replace(b"\r\n", b"\r\r\n"),
        HEAD.replace(b"Subject: Test", b"Subject:Test") + b"\r\nhello",
        HEAD + b" \t\r\nhello",
    ):
        mail = parse_mail(raw)
        assert (mail.subject, mail.text.strip(), mail.from_ and mail.from_.address) == (
            "Test",
            "hello",
            "p@example.org",
        )


def test_text_below_headers_without_an_empty_line() -> None:
    assert parse_mail(HEAD + b"hello there\r\nsecond line\r\n\r\nthird").text == "hello there\nsecond line\n\nthird"


def test_transfer_encodings_that_are_damaged_or_lie() -> None:
    words = "Не работает печать".encode()
    assert a_mail(b64encode(words)[:-3], Content_Transfer_Encoding="base64").text.startswith("Не работает печа")
    assert (
        a_mail(b64encode(words[:9]) + b"\r\n" + b64encode(words[9:]), Content_Transfer_Encoding="BASE64").text
        == words.decode()
    )
    assert a_mail(words, Content_Transfer_Encoding="base64").text == words.decode()
    assert (
        a_mail(b"plain English words, no code", Content_Transfer_Encoding="base64").text
        == "plain English words, no code"
    )
    assert a_mail(b"=D0=9D=D0=B5 =ZZ =", Content_Transfer_Encoding="quoted-printable").text.startswith("Не =ZZ")


def test_flowed_text_is_joined() -> None:
    mail = a_mail(b"one \r\ntwo\r\n\r\n> q \r\n> r\r\n-- \r\nme", Content_Type="text/plain; format=flowed")
    assert mail.text == "one two\n\n> q r\n-- \nme"
    assert mail.reply == "one two"


def test_a_file_uuencoded_into_the_text() -> None:
    mail = a_mail(b"see\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\nbye")
    assert mail.text == "see\nbye"
    assert (mail.attachments[0].filename, mail.attachments[0].data) == ("a.txt", b"Cat")


def test_a_nested_mail_is_a_file_and_not_text() -> None:
    inner = (
        b"Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?B?"
        + b64encode("Тема".encode())
        + b"?=\r\n\r\ninner words"
    )
    mail = a_multipart(b"\r\nouter", inner)
    assert mail.text == "outer"
    assert (mail.attachments[0].filename, mail.attachments[0].content_type) == ("Тема.eml", "message/rfc822")


def test_identity_and_thread() -> None:
    mail = a_mail(
        Message_ID="<1@example.org>",
        References="<a@x>\r\n <b@x>",
        In_Reply_To="<b@x>",
        Date="Wed, 10 Jan 2024 12:00:00 +0300",
    )
    assert (mail.message_id, mail.references, mail.in_reply_to) == ("1@example.org", ("a@x", "b@x"), ("b@x",))
    assert mail.date is not None
    assert mail.date.utcoffset() is not None


def test_limits_hold_and_the_next_mail_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    many = b"".join(b"--B\r\n\r\nhi\r\n" for _ in range(10_000))
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=B%d\r\n\r\n--B%d\r\n" % (i, i) for i in range(500))
    wrapped = b"Content-Type: message/rfc822\r\n\r\n" * 500
    cases = {
        "size": HEAD + b"\r\n" + b"words and words\r\n" * 2_500_000,
        "parts": HEAD + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n" + many,
        "nesting": HEAD + nested + b"\r\nx",
        "header size": b"X-Long: " + b"a" * 300_000 + b"\r\n" + b"X-More: 1\r\n" * 30_000 + HEAD + b"\r\nhello",
        "lines": HEAD + b"\r\n" + b"\n" * 200_000,
    }
    for defect, raw in cases.items():
        mail = parse_mail(raw)
        assert defect in mail.defects, defect
        assert mail.subject == "Test"
        assert a_mail().text == "hello"
    assert parse_mail(HEAD + wrapped + b"\r\nx").subject == "Test"


def test_the_clock_is_a_limit() -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\nhi\r\n--B--"
    mail = parse_mail(raw, limits=Limits(seconds=0.0))
    assert mail.subject == "Test"
    assert "seconds" in mail.defects


def test_winmail_dat_that_is_damaged_stays_an_attachment() -> None:
    mail = a_multipart(
        b"\r\nhi", a_file(b"\x78\x9f\x3e\x22" + bytes(40), b"attachment; filename=winmail.dat", b"application/ms-tnef")
    )
    assert [file.kind for file in mail.attachments] == ["tnef"]


def test_winmail_dat_is_opened() -> None:
    mail = a_multipart(
        b"\r\nhi", a_file(a_tnef("report.png", PNG), b"attachment; filename=winmail.dat", b"application/ms-tnef")
    )
    assert [(file.filename, file.content_type) for file in mail.attachments] == [
        ("report.png", "image/png"),
        ("winmail.dat", "application/ms-tnef"),
    ]


def a_tnef(name: str, data: bytes) -> bytes:
    def attribute(level: int, number: int, content: bytes) -> bytes:
        checksum = sum(content) & 0xFFFF
        head = bytes([level]) + number.to_bytes(4, "little") + len(content).to_bytes(4, "little")
        return head + content + checksum.to_bytes(2, "little")

    out = b"\x78\x9f\x3e\x22\x01\x00" + attribute(1, 0x00089006, b"\x00\x00\x01\x00")
    out += attribute(2, 0x00069002, bytes(14)) + attribute(2, 0x00018010, name.encode() + b"\0")
    return out + attribute(2, 0x0006800F, data)


def test_the_command_prints_the_promised_json(run_parse: Callable[[bytes], tuple[int, bytes]]) -> None:
    raw = (
        b"From: Peter <p@example.org>\r\nSubject: Re: x\r\nMessage-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n"
        b"Auto-Submitted: auto-replied\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
        b"--B\r\n\r\nfine\r\n\r\nOn Mon, Jan 1, 2024 at 10:00 A <a@example.org> wrote:\r\n> q\r\n--B\r\n"
        + a_file(PNG)
        + b"\r\n--B--"
    )
    code, out = run_parse(raw)
    assert code == 0
    assert json.loads(out) == {
        "from": "p@example.org",
        "subject": "Re: x",
        "text": "fine\n\nOn Mon, Jan 1, 2024 at 10:00 A <a@example.org> wrote:\n> q",
        "reply": "fine",
        "attachments": [{"filename": "x.png", "content_type": "image/png", "size": len(PNG)}],
        "auto_submitted": True,
        "message_id": "2@x",
        "references": ["1@x"],
    }


@pytest.mark.parametrize("raw", [b"", b"\x00" * 1000, b"\xff" * 1000, b"\r\n" * 100, bytes(range(256)) * 50])
def test_the_command_never_fails(run_parse: Callable[[bytes], tuple[int, bytes]], raw: bytes) -> None:
    code, out = run_parse(raw)
    assert code == 0
    assert json.loads(out)["from"] is None


@pytest.fixture
def run_parse() -> Callable[[bytes], tuple[int, bytes]]:
    from click.testing import CliRunner

    from notifications.mail.command import parse

    def run(raw: bytes) -> tuple[int, bytes]:
        result = CliRunner().invoke(parse, input=raw)
        return result.exit_code, result.stdout_bytes

    return run
