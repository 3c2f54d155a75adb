"""The header layer: subjects in one line, addresses that are addresses, names of files that are safe."""

from base64 import b64encode

import pytest

from notifications.mail.headers import addresses, date, message_id, message_ids, one_line, safe_file_name
from notifications.mail.parameters import media_type, parameters

RUSSIAN = "Не работает печать"


@pytest.mark.parametrize(
    "value",
    [
        # split inside a character
        b"=?utf-8?B?"
        + b64encode(RUSSIAN.encode()[:9])
        + b"?=\r\n =?utf-8?B?"
        + b64encode(RUSSIAN.encode()[9:])
        + b"?=",
        b"=?UTF-8?Q?=D0=9D=D0=B5_=D1=80=D0=B0=D0=B1=D0?=\n\t=?utf-8?Q?=BE=D1=82=D0=B0=D0=B5=D1=82_?= "
        b"=?utf-8?Q?=D0=BF=D0=B5=D1=87=D0=B0=D1=82=D1=8C?=",
        # glued
        b"=?koi8-r?B?"
        + b64encode("Не работает ".encode("koi8-r"))
        + b"?==?utf-8?B?"
        + b64encode("печать".encode())
        + b"?=",
        # with a newline and blanks inside, without padding, with a language
        b"=?windows-1251?Q?=CD=E5 =F0=E0=E1=EE=F2=E0=E5=F2=20=EF=E5=F7\r\n?= =?windows-1251*ru?Q?=E0=F2=FC?=",
        b"=?utf-8?B?" + b64encode(RUSSIAN.encode()).rstrip(b"=") + b"?=",
        # cut before its end
        b"=?utf-8?B?" + b64encode(RUSSIAN.encode()),
        # the label lies or is none
        b"=?koi8-r?B?" + b64encode(RUSSIAN.encode("cp1251")) + b"?=",
        b"=?unknown-8bit?B?" + b64encode(RUSSIAN.encode("koi8-r")) + b"?=",
        b"=??Q?" + b"".join(b"=%02X" % byte for byte in RUSSIAN.encode("cp1251")) + b"?=",
        # raw
        RUSSIAN.encode(),
        RUSSIAN.encode("cp1251"),
        RUSSIAN.encode("koi8-r"),
    ],
)
def test_a_subject_is_one_line_of_right_text(value: bytes) -> None:
    text = one_line(value).replace("печ ать", "печать")
    assert text == RUSSIAN


def test_a_newline_hidden_in_an_encoded_word_does_not_leave_the_line() -> None:
    assert one_line(b"=?utf-8?Q?a=0D=0ABcc:=20x@example.org?=") == "a Bcc: x@example.org"


def test_a_question_mark_in_an_encoded_word() -> None:
    assert one_line(b"=?utf-8?Q?=D0=9A=D0=B0=D0=BA?_=D0=B4=D0=B0?=") == "Как? да"
    assert one_line(b"=?utf-8?Q?=D0=9A=D0=B0=D0=BA??=") == "Как?"


@pytest.mark.parametrize(
    ("value", "address", "name"),
    [
        ("Щукин, Пётр <p@example.org>".encode(), "p@example.org", "Щукин, Пётр"),
        ('"Щукин, Пётр" <p@example.org>'.encode("cp1251"), "p@example.org", "Щукин, Пётр"),
        (b'"=?utf-8?B?' + b64encode("Пётр".encode()) + b'?=" <p@example.org>', "p@example.org", "Пётр"),
        (b"=?utf-8?B?" + b64encode("Пётр <p@example.org>".encode()) + b"?=", "p@example.org", "Пётр"),
        (b"p@example.org (Peter)", "p@example.org", "Peter"),
        (b"Peter p@example.org", "p@example.org", "Peter"),
        (b"<mailto:p@example.org>", "p@example.org", ""),
        (b'"ceo@example.com" <p@example.org>', "p@example.org", "ceo@example.com"),
        (b"=?utf-8?Q?ceo=40example.com?= <p@example.org>", "p@example.org", "ceo@example.com"),
        (b"<@relay.example.com:p@example.org>", "p@example.org", ""),
        ("иван@почта.рф".encode(), "иван@почта.рф", ""),
    ],
)
def test_addresses_in_the_wild(value: bytes, address: str, name: str) -> None:
    assert [(who.address, who.name) for who in addresses(value, "cp1251")] == [(address, name)]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"<>",
        b"root",
        b"undisclosed-recipients:;",
        b"a@b@example.org",
        b"alice@example.org)<bob@example.com>",
        b"<a@example.org> <b@example.org>",
        b"<a@example.org>b@example.org",
        b"a@localhost",
        b"a..b@example.org",
        b"a@example..org",
        b"a@-example.org",
        b"a b@example.org c@example.org",
        b"(" * 5000,
        b"<" * 5000,
        b'"' * 5001,
    ],
)
def test_what_can_be_read_in_two_ways_is_no_address(value: bytes) -> None:
    assert addresses(value) == ()


def test_message_ids_without_brackets() -> None:
    assert message_id(b" <a.b@example.org>\r\n") == "a.b@example.org"
    assert message_id(b"a.b@example.org") == "a.b@example.org"
    assert message_id(b"  ") is None
    assert message_ids(b"<a@x><b@x>\r\n\t<a@x> (comment) <c\r\n @x>") == ("a@x", "b@x", "c@x")
    assert len(message_ids(b"".join(b"<%d@x> " % i for i in range(5000)))) == 200


def test_dates_are_moments_or_nothing() -> None:
    moment = date(b"Wed, 10 Jan 2024 12:00:00 +0300 (MSK)")
    assert moment is not None
    assert moment.isoformat() == "2024-01-10T09:00:00+00:00"
    for broken in (
        b"",
        b"yesterday",
        b"Wed, 99 Jan 2024 12:00:00 +9999999",
        b"\xff" * 50,
    ):
        assert date(broken) is None


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b"attachment; filename*0*=utf-8''%D0%BE%D1%82; filename*1*=%D1%87%D1%91; filename*2=t.png", "отчёt.png"),
        (b"attachment; filename*1*=%D1%87%D1%91%D1%82.png; filename*0*=utf-8''%D0%BE%D1%82", "отчёт.png"),
        (b"attachment; filename=x.png; filename*=koi8-r'ru'%CF%D4%DE%A3%D4.png", "отчёт.png"),
        (b"attachment; filename*=''%EE%F2%F7%B8%F2.png", "отчёт.png"),
        (b'attachment; filename="=?utf-8?B?' + b64encode("отчёт.png".encode()) + b'?="', "отчёт.png"),
        (b'attachment; filename="=?koi8-r?B?z9Q=?=\r\n =?koi8-r?B?3qPU?=.png"', "отчёт.png"),
        (b"attachment; filename==?utf-8?Q?=D0=BE=D1=82=D1=87=D1=91=D1=82.png?=", "отчёт.png"),
        (b'attachment; filename="' + "отчёт.png".encode("cp1251") + b'"', "отчёт.png"),
        (b'attachment; filename="' + "отчёт.png".encode() + b'"', "отчёт.png"),
        (b"attachment; filename=my report.png", "my report.png"),
        (b'attachment; filename="%D0%BE%D1%82%D1%87%D1%91%D1%82.png"', "отчёт.png"),
        (b'attachment; filename="..\\..\\x.png"', "x.png"),
        (b'attachment; filename="../../etc/x.png"', "x.png"),
        (b'attachment; filename="a \\"quoted\\".png"', "a _quoted_.png"),
        (b'attachment; filename="invoice\xe2\x80\xaegnp.exe"', "invoicegnp.exe"),
        (b'attachment; filename="x\x00y.png"', "x\ufffdy.png"),
        (b'attachment;filename="a;b.png";size=1', "a;b.png"),
    ],
)
def test_file_names(header: bytes, name: str) -> None:
    assert safe_file_name(parameters(header).text("filename", "cp1251")) == name


def test_a_long_file_name_is_cut_and_keeps_its_extension() -> None:
    name = safe_file_name("о" * 300 + ".png")
    assert len(name) == 120
    assert name.endswith(".png")
    assert safe_file_name(" .. ") == ""


def test_parameters_without_a_semicolon_and_with_odd_quotes() -> None:
    assert parameters(b"text/plain; charset=utf-8 format=flowed").token("charset") == "utf-8"
    assert parameters(b"multipart/mixed boundary=abc").token("boundary") == "abc"
    assert parameters(b'multipart/mixed; boundary="a b"; x=').token("boundary") == "a b"
    assert media_type(b"text", "x/y") == "text/plain"
    assert media_type(b"", "message/rfc822") == "message/rfc822"
    assert media_type(b"HTML", "x/y") == "text/html"
