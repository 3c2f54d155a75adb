"""Who answers in which state, and what comes of it: the table of the process and of the paper on mail, cell by cell."""

from datetime import timedelta

import pytest

from notifications.mail.parsed import ParsedMail
from notifications.mail.thanks import only_thanks
from service.database import fetchval
from service.verify import verify

HOURS = timedelta(hours=1)
WAY = {
    "new": (),
    "registered": ("register",),
    "in_progress": ("register", "start"),
    "awaiting_customer": ("register", "start", "request_info"),
    "completed": ("register", "start", "complete"),
    "closed": ("register", "start", "complete", "confirm"),
}
PLAIN = {"text": "Ошибка 17 на втором экране."}
WHO = {
    "plain": PLAIN,
    "thanks": {"text": "Спасибо большое!"},
    "auto": {"subject": "Автоответ: {subject}", "text": "Я в отпуске.", "Auto_Submitted": "auto-replied"},
    "stranger": PLAIN | {"sender": "somebody@elsewhere.example.net"},
    "one of us": PLAIN | {"sender": "operator@desk.example.org"},
    "colleague": PLAIN | {"sender": "olga@customer.example.com"},
}
NOTED, THANKED = ("done", "machine"), ("done", "thanks")
REPLIED, RESUMED = ("done", "reply"), ("done", "resume")
STRANGE, OURS, FOLLOWS = ("held", "stranger"), ("held", "colleague"), ("held", "follow_up")
# fmt: off
#                        plain    thanks    auto   stranger  one of us  colleague
TABLE = {
    "new":               (REPLIED, THANKED, NOTED, STRANGE,  OURS,      REPLIED),
    "registered":        (REPLIED, THANKED, NOTED, STRANGE,  OURS,      REPLIED),
    "in_progress":       (REPLIED, THANKED, NOTED, STRANGE,  OURS,      REPLIED),
    "awaiting_customer": (RESUMED, THANKED, NOTED, STRANGE,  OURS,      RESUMED),
    "completed":         (REPLIED, THANKED, NOTED, STRANGE,  OURS,      REPLIED),
    "closed":            (FOLLOWS, THANKED, NOTED, STRANGE,  OURS,      FOLLOWS),
}
# fmt: on
CELLS = [(state, who, cell) for state, row in TABLE.items() for who, cell in zip(WHO, row, strict=True)]


@pytest.mark.parametrize(("state", "who", "becomes"), CELLS, ids=[f"{state}-{who}" for state, who, _ in CELLS])
async def test_a_reply_does_what_the_table_says(centre, a_mail, arrives, look, moves, at, state, who, becomes):
    ticket = (await arrives(a_mail()))["ticket"]
    if WAY[state]:
        await moves(ticket, *WAY[state])
    before, letters = await look.ticket(ticket), len(await look.letters())
    assert before["state"] == state
    subject = f"Re: Заявка#{before['number']}" if before["number"] else "Re: Не открывается отчёт"
    given = {"subject": subject, "message_id": "<r@customer.example.com>", "In_Reply_To": "<one@customer.example.com>"}
    given |= {name: value.format(subject=subject) for name, value in WHO[who].items()}
    mail = await arrives(a_mail(**given), at=at + HOURS)

    assert (mail["status"], mail["kind"], mail["ticket"]) == (*becomes, ticket)
    after = await look.ticket(ticket)
    assert after["state"] == ("in_progress" if becomes == RESUMED else state)
    said = await fetchval("SELECT count(*) FROM message WHERE mail = $1", mail["id"])
    talks = becomes in (REPLIED, RESUMED) or (who == "thanks" and state not in ("awaiting_customer", "closed"))
    assert said == talks
    if not talks:
        assert after == before
    assert after["answer_unread"] == (becomes == REPLIED)
    holds = state == "completed" and becomes == REPLIED
    armed = await fetchval("SELECT count(*) FROM timer WHERE kind = 'auto_close:due' AND status = 'armed'")
    assert armed == (state == "completed" and not holds)
    assert len(await look.letters()) == letters + holds  # only the two links of the completion come again
    assert len(await look.tickets()) == 1
    assert await verify() == []


@pytest.mark.parametrize(
    "text",
    [
        "Спасибо!", "спасибо большое за оперативность", "Добрый день!\nБлагодарю.\n\nС уважением,\nИван Петров",
        "Thanks a lot!", "Thank you very much for your help.\n-- \nIvan", "СПАСИБО",
    ],
)  # fmt: skip
def test_thanks_are_thanks(text):
    assert only_thanks(ParsedMail(reply=text))


@pytest.mark.parametrize(
    "text",
    [
        "", "Спасибо, но не работает", "Спасибо, не подтверждаю", "Спасибо. А когда?", "Спасибо, версия 7",
        "Подтверждаю", "Добрый день!", "Thanks, it still fails", "Нет, спасибо", "Спасибо, всё работает",
    ],
)  # fmt: skip
def test_whatever_says_more_is_more(text):
    assert not only_thanks(ParsedMail(reply=text))
