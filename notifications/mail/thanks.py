"""A mail that says nothing but thanks: it is no answer, no confirmation and no new request, so it changes nothing."""

from __future__ import annotations

import re

from notifications.mail.parsed import ParsedMail

MOST_WORDS = 12
GOODBYE = re.compile(
    r"(?im)^\s*(?:--\s*$|—\s*$|с уважением\b|всего доброго\b|(?:best |kind |warm )?regards\b|sincerely\b)"
)
WORD = re.compile(r"[^\W\d_]+")
THANKS = frozenset({
    "спасибо", "благодарю", "благодарим", "благодарен", "благодарна", "спс", "пасиб", "thanks", "thank", "thx",
})  # fmt: skip
# What may stand beside it; anything else says more than thanks.
BESIDE = THANKS | frozenset({
    "большое", "огромное", "огромная", "большущее", "вам", "всем", "вас", "коллеги", "за", "помощь", "ответ",
    "оперативность", "оперативный", "оперативную", "быстрый", "быструю", "работу", "поддержку", "заранее", "и", "ещё",
    "еще", "раз", "очень", "здравствуйте", "добрый", "день", "вечер", "утро", "доброе", "привет",
    "you", "very", "much", "so", "a", "lot", "many", "for", "your", "the", "help", "support", "quick", "prompt",
    "reply", "answer", "hi", "hello", "all", "everyone", "again", "in", "advance",
})  # fmt: skip


def only_thanks(mail: ParsedMail) -> bool:
    """Whether the sender's own words are thanks and nothing more: no question, no number, no file."""
    own = GOODBYE.split(mail.reply, maxsplit=1)[0]
    words = WORD.findall(own.lower())
    plain = "?" not in own and not re.search(r"\d", own)
    said = bool(THANKS & set(words)) and BESIDE.issuperset(words)
    return said and plain and len(words) <= MOST_WORDS and not mail.attachments
