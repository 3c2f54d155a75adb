"""A reply is parted from what it quotes: Russian and English clients; a forward is content, not a quote."""

from __future__ import annotations

import re

_EMAIL = r"[^\s@<>,;:\"()\[\]]{1,64}@[^\s@<>,;:\"()\[\]]{1,190}"
_HAS_EMAIL = re.compile(_EMAIL)
_DATE = re.compile(
    r"(?i)\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\b\d{4}[./-]\d{1,2}[./-]\d{1,2}\b"
    r"|\b\d{1,2}\.?\s{1,3}(?:янв|фев|мар|апр|ма[яй]|июн|июл|авг|сен|окт|ноя|дек|jan|feb|mar|apr|may|jun|jul|aug"
    r"|sep|oct|nov|dec|mai|dez|okt)"
    r"|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?\s{1,3}\d{1,2}"
)
_TIME = re.compile(r"\b\d{1,2}[:.]\d{2}\b")
_WROTE = re.compile(
    r"(?i)(?:\bпишет|\bпис(?:ал|али|ала|ал\(а\))|\bнаписал(?:а|и|\(а\)|\(-а\))?|\bwrote|\bwrites|\bschrieb"
    r"|a écrit|\bescribió"
    r"|\bнаписав(?:\(ла\))?|\bпише)\s{0,3}:\s*$"
)
_OPENING = re.compile(
    r"(?i)(?:on|am|le|el|в|на|пн|вт|ср|чт|пт|сб|вс)[\s,]|понедельник|вторник|сред[ау]|четверг|пятниц|суббот|воскресен"
)
# Roundcube puts the date last.
_WROTE_ON = re.compile(r"(?i)\b(?:писал|написал|wrote)\S{0,4}\s.{0,80}\d\s{0,3}:$")
_YOU_WROTE = re.compile(r"(?i)^(?:you wrote|вы писали|вы написали)\b.{0,120}:?\s*$")
_ORIGINAL = re.compile(
    r"(?i)^[\s>]{0,5}[-_*—=]{2,40}\s{0,3}(?:original message|исходное сообщение|оригинальное сообщение"
    r"|original appointment"
    r"|reply message|исходное письмо|ursprüngliche nachricht|message d'origine|reply separator"
    r"|ответ на сообщение|вихідне повідомлення)"
    r"\s{0,3}[-_*—=]{0,40}\s*$"
)
_FORWARD = re.compile(
    r"(?i)^[\s>]{0,5}(?:[-_*—=]{2,40}\s{0,3}(?:forwarded message|forwarded by|пересылаемое сообщение"
    r"|пересланное сообщение"
    r"|перенаправленное сообщение|пересылаемое письмо|пересланное письмо|переадресованное сообщение|переслано"
    r"|переадресовано"
    r"|начало пересылаемого сообщения|weitergeleitete nachricht|message transféré|переслане повідомлення|fwd)\b"
    r"|begin forwarded message:|начало пересылаемого сообщения|начало переадресованного сообщения"
    r"|начало пересланного сообщения"
    r"|anfang der weitergeleiteten nachricht)"
)
_HEAD_FROM = re.compile(r"(?i)^[\s*>_]{0,6}(?:от кого|от|from|von|de|відправник)\s{0,2}:\*{0,2}\s?\S")
_HEAD_FIELD = re.compile(
    r"(?i)^[\s*>]{0,6}(?:от кого|от|from|von|sent|отправлено|послано|date|дата|gesendet|кому|to|an|копия|cc"
    r"|тема|subject|betreff"
    r"|reply-to|ответить|важность|importance|вложения|attachments|когда|надіслано|envoyé|objet"
    r"|à)\s{0,2}:\*{0,2}(?:\s|$)"
)
_HEAD_PROOF = re.compile(
    r"(?i)^[\s*>]{0,6}(?:sent|отправлено|послано|date|дата|gesendet|тема|subject|betreff|кому|to|надіслано"
    r"|envoyé)\s{0,2}:"
)
_RULE = re.compile(r"^[_\-=]{20,}\s*$|^\s*_{5,}\s*$")
_QUOTED = re.compile(r"^\s{0,3}(?:[A-ZА-ЯЁ][A-Za-zА-ЯЁа-яё]{0,3})?>")
_ABOVE = re.compile(
    r"(?i)(?:please )?(?:type|write) your reply above this line|напишите ответ выше этой (?:черты|линии|строки)"
)
_SENT_FROM = re.compile(
    r"(?i)^\s*(?:отправлено (?:с|из|через)\s.{2,60}|sent from (?:my )?.{2,60}|get outlook for .{2,30}"
    r"|von meinem .{2,40} gesendet"
    r"|надіслано з .{2,40}|скачать outlook .{2,40}|получить outlook .{2,40})\s*$"
)
_FORWARD_SUBJECT = re.compile(r"(?i)^\s*\[?(?:fwd?|fw|пер|пересл|переслано|wg|tr|нтпр)\s*(?:\[\d+\])?:")
_LINE = 1_000  # how much of one line is looked at
_SIGNATURE_LINES = 20


def reply_of(text: str, *, subject: str = "", answer: bool = True) -> str:
    """The sender's own part of `text`. `answer` says whether the mail names one that it answers."""
    forward = bool(_FORWARD_SUBJECT.match(subject))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    own, forwarded = _own_lines(lines, forward=forward)
    if not forwarded:
        own = _without_signature(own)
    reply = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in own)).strip()
    if not reply and not answer and not _is_answer_subject(subject):
        return text.strip()  # nothing but somebody else's mail, and no answer to one: passed on, not quoted
    return reply


def _is_answer_subject(subject: str) -> bool:
    return bool(re.match(r"(?i)^\s*(?:re|aw|отв|ответ|на|sv|antw|вiдп|відп)\s*(?:\[\d+\]|\(\d+\))?\s*:", subject))


def _own_lines(lines: list[str], *, forward: bool) -> tuple[list[str], bool]:
    """What was not quoted, and whether a forward ended the search."""
    own: list[str] = []
    i = 0
    while i < len(lines):
        line = lines[i][:_LINE]
        if _FORWARD.match(line):
            return own + lines[i:], True
        if _ABOVE.search(line) or _ORIGINAL.match(line):
            if not forward:
                return own, False
            return own + lines[i:], True
        if _QUOTED.match(line):
            i = _after_quoted(lines, i)
            continue
        length = _attribution(lines, i)
        if length:
            after = _next_text(lines, i + length)
            if after is not None and _QUOTED.match(lines[after]):
                i = _after_quoted(lines, after)
                continue
            if _names_its_author(lines[i : i + length]) and not forward:
                return own, False
        if _header_block(lines, i):
            if forward:
                return own + lines[i:], True
            return _without_rule(own), False
        own.append(lines[i])
        i += 1
    return own, False


def _after_quoted(lines: list[str], start: int) -> int:
    """The first line after a quotation; its own long lines, wrapped by the client, go with it."""
    i = start
    while i < len(lines):
        if _QUOTED.match(lines[i][:_LINE]):
            i += 1
            continue
        following = _next_text(lines, i)
        if not lines[i].strip() and following is not None and _QUOTED.match(lines[following]):
            i = following
            continue
        return i
    return i


def _next_text(lines: list[str], start: int) -> int | None:
    return next((i for i in range(start, min(start + 4, len(lines))) if lines[i].strip()), None)


def _attribution(lines: list[str], start: int) -> int:
    """How many lines, 1 to 4, announce a quotation («… пишет:», "On … wrote:"); 0 when none does."""
    first = lines[start].strip()[:_LINE]
    if not first:
        return 0
    if _YOU_WROTE.match(first) and _quote_near(lines, start + 1):
        return 1
    joined = ""
    for length in range(1, 5):
        if start + length > len(lines):
            return 0
        piece = lines[start + length - 1].strip()[:_LINE]
        if not piece or len(joined) + len(piece) > 600:
            return 0
        joined = f"{joined} {piece}".strip()
        if piece.endswith(":") and _announces(joined, lines, start + length):
            # A sentence of the sender must not be swallowed with the announcement below it.
            return length if length == 1 or _begins_announcement(first) else 0
    return 0


def _announces(joined: str, lines: list[str], following: int) -> bool:
    dated = bool(_DATE.search(joined))
    addressed = bool(_HAS_EMAIL.search(joined))
    if dated and _WROTE_ON.search(joined) and _quote_near(lines, following):
        return True
    if _WROTE.search(joined):
        if dated and (addressed or _TIME.search(joined)):
            return True
        return _quote_near(lines, following)
    return dated and addressed and bool(re.search(r"[>)\]\"»]\s{0,3}:$", joined))


def _begins_announcement(first: str) -> bool:
    return bool(_OPENING.match(first) or _DATE.search(first[:60]))


def _names_its_author(announcement: list[str]) -> bool:
    """Without `>` below, only an announcement with an address or by its full form is believed."""
    joined = " ".join(line.strip() for line in announcement)
    if _HAS_EMAIL.search(joined):
        return True
    return bool(re.match(r"(?i)on\s.{6,200}\swrote:$", joined) and _DATE.search(joined))


def _quote_near(lines: list[str], start: int) -> bool:
    following = _next_text(lines, start)
    return following is not None and bool(_QUOTED.match(lines[following]))


def _header_block(lines: list[str], start: int) -> bool:
    """From/Sent/To/Subject as Outlook and Mail.ru put them above what they quote."""
    first = lines[start][:_LINE]
    if not _HEAD_FROM.match(first):
        return False
    fields = 1
    proof = len(re.findall(r"(?i)\s(?:sent|to|subject|отправлено|кому|тема|дата):\s", first))
    if proof >= 2:
        return True
    proof = 0
    for line in lines[start + 1 : start + 14]:
        if not line.strip():
            continue
        if _HEAD_FIELD.match(line[:_LINE]):
            fields += 1
            proof += bool(_HEAD_PROOF.match(line[:_LINE]))
        elif not line[:1].isspace() and "@" not in line and ";" not in line:
            break
    return fields >= 3 and proof >= 1


def _without_rule(own: list[str]) -> list[str]:
    while own and (not own[-1].strip() or _RULE.match(own[-1][:_LINE])):
        own = own[:-1]
    return own


def _without_signature(own: list[str]) -> list[str]:
    """Without what follows the last `-- ` near the end, and without «Отправлено с iPhone»."""
    while own and not own[-1].strip():
        own = own[:-1]
    for i in range(len(own) - 1, max(len(own) - _SIGNATURE_LINES, 0) - 1, -1):
        if own[i].rstrip() in ("--", "\u2014\u2014") and any(line.strip() for line in own[:i]):
            own = own[:i]
            break
    own = _without_rule(own) if own and _RULE.match(own[-1][:_LINE]) else own
    while own and (not own[-1].strip() or _SENT_FROM.match(own[-1][:_LINE])):
        own = own[:-1]
    return own
