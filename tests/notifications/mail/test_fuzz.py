"""Damaged mails, thousands of them: never an exception, always text that JSON and PostgreSQL take."""

# ruff: noqa: E501 - mails stand here as they arrive

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.mail.classify import Envelope, classify
from notifications.mail.command import summary
from notifications.mail.parse import parse_mail
from service.file_content import judge

SAMPLE = (
    'From: =?koi8-r?B?8MXU0g==?= <p@example.org>\r\nTo: "Щукин, Пётр" <s@example.com>, b@example.org (B)\r\n'
    "Subject: =?utf-8?Q?=D0=9F=D1=80?=\r\n =?utf-8?Q?=D0=B8?=\r\nMessage-ID: <1@x>\r\nReferences: <a@x> <b@x>\r\n"
    "Date: Wed, 10 Jan 2024 12:00:00 +0300\r\nAuto-Submitted: no\r\nMIME-Version: 1.0\r\n"
    'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
    "--B\r\nContent-Type: multipart/alternative; boundary=C\r\n\r\n--C\r\nContent-Type: text/plain; charset=koi8-r; format=flowed"
    "\r\n\r\nПривет \r\nмир\r\n\r\n10.01.2024 12:00, Иван пишет:\r\n> цитата\r\n-- \r\nя\r\n--C\r\nContent-Type: text/html\r\n\r\n"
    '<p>Привет<blockquote type="cite">x</blockquote><img src="http://e.example/x.png">\r\n--C--\r\n'
    "--B\r\nContent-Type: image/png; name*0*=utf-8''%D0%BE; name*1=x.png\r\nContent-Transfer-Encoding: base64\r\n"
    'Content-Disposition: attachment; filename="=?utf-8?B?0L4=?=.png"\r\n\r\niVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ\r\n'
    "--B\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    "--B\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <o@x>\r\nSubject: y\r\n\r\nz\r\n--B--\r\n"
).encode()

SPLINTERS = (
    b"--B", b"\r\n\r\n", b"=?", b"?=", b"\x00", b"\xff", b"\xed\xa0\x80", b"begin 644 x\n", b"<", b">", b"\"", b"(", b";", b"\n",
    b"Content-Type: multipart/mixed; boundary=B\r\n", b"charset=utf-16", b"charset=utf-7", b"charset=idna", b"=00=FF", b"%FF",
    b"PK\x03\x04", b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00", b"\x78\x9f\x3e\x22", b"BM", b"<html>", b"-----Original Message-----",
)  # fmt: skip


def read_wholly(raw: bytes) -> None:
    mail = parse_mail(raw)
    classify(mail, envelope=Envelope(sender=""))
    assert b"\\u0000" not in msgspec.json.encode(summary(mail))
    assert "\n" not in mail.subject
    for file in mail.attachments:
        verdict = judge(file.data, file.filename)
        assert verdict.allowed is (verdict.reason is None)
        assert file.filename
        assert "/" not in file.filename
        msgspec.json.encode([file.filename, verdict.names])
    for text in (mail.text, mail.reply, mail.subject, mail.html or "", *(value for _, value in mail.headers)):
        assert "\x00" not in text
        text.encode()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2_000))
def test_any_bytes_are_read(raw: bytes) -> None:
    read_wholly(raw)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SPLINTERS + tuple(SAMPLE.splitlines(keepends=True))), max_size=60))
def test_any_shuffle_of_lines_is_read(lines: list[bytes]) -> None:
    read_wholly(b"".join(lines))


def test_mutations_of_a_rich_mail_are_read() -> None:
    chance = random.Random(20240110)
    for _ in range(1_500):
        raw = bytearray(SAMPLE)
        for _ in range(chance.randint(1, 12)):
            place = chance.randrange(len(raw))
            way = chance.randrange(4)
            if way == 0:
                raw[place] = chance.randrange(256)
            elif way == 1:
                del raw[place : place + chance.randint(1, 80)]
            elif way == 2:
                raw[place:place] = chance.choice(SPLINTERS)
            else:
                raw[place:place] = raw[place : place + chance.randint(1, 200)]
            if not raw:
                break
        read_wholly(bytes(raw))
