"""What reads mail notes signs; people are told sentences, in both languages."""

import re

import pytest

from service.judgements import SENTENCES, in_words

NOTED = (
    "list: list-id", "list: precedence: bulk", "auto_reply: x-autoreply", "auto_reply: subject: Автоответ: в отпуске",
    "receipt: report: disposition-notification", "complaint: report: feedback-report", "calendar: calendar: REQUEST",
    "delivered: delivery status: delivered", "generated: empty envelope sender",
    "generated: sender: noreply@example.com", "generated: report: other", "generated: auto-submitted: auto-generated",
    "delivery status: failed 5.1.1 ann@example.com; not about a letter of ours",
    "undelivered, told in prose: failed 5.1.1 ann@example.com", "40000000 bytes", "x-spam-flag", "subject",
    "dmarc=fail", "nobody to answer", "no subject, no text, no attachment", "nothing that can be used",
    "from one of us: nobody of the customer said this",
    "points at a ticket by token, but its sender has nothing to do with it",
    "the ticket takes no more: a linked ticket?", "from our own address help@example.org",
    "carries the Message-ID of one of our letters", "the same as mail 1", "a new request",
)  # fmt: skip


@pytest.mark.parametrize("noted", NOTED)
def test_what_was_noted_is_told_as_a_sentence(noted: str) -> None:
    for language, end in (("en", "."), ("ru", ".")):
        said = in_words(noted, language)  # type: ignore[arg-type]
        assert said != noted
        assert said.endswith(end)
        assert "{" not in said
    assert re.search("[а-яё]", in_words(noted, "ru"))


def test_every_sentence_is_for_something_that_is_noted() -> None:
    used = {next(sentence for sign, sentence in SENTENCES if sign.fullmatch(noted)) for noted in NOTED}
    assert used == {sentence for _sign, sentence in SENTENCES}


def test_what_nobody_foresaw_is_told_as_it_was_noted() -> None:
    assert in_words("ReaderDied: x", "ru") == "ReaderDied: x"
