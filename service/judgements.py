"""How a mail was judged, in plain words: what reads mail notes its signs in the terms of headers and reports.

What is not known here, such as the words of an error, is told as it was noted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from service.words import Language, file_size, translate
from workflow.words import _

# The first that fits the whole note; its named groups are the fields of the sentence.
SIGNS: Sequence[tuple[str, str]] = (
    (r"list: precedence: (?P<sign>.+)", _("It went to many at once: it calls itself “{sign}” (header Precedence).")),
    (r"list: (?P<sign>.+)", _("It came from a mailing list: it has the header {sign}.")),
    (r"auto_reply: subject: (?P<sign>.+)", _("It answers by itself: its subject begins as such answers do, “{sign}”.")),
    (r"auto_reply: (?P<sign>.+)", _("It answers by itself and says so: {sign}.")),
    (r"receipt: .*", _("It only tells that a letter of ours was read.")),
    (r"complaint: .*", _("It passes a complaint on: somebody called a letter of ours spam.")),
    (r"calendar: .*", _("It is an invitation of a calendar, or an answer to one.")),
    (r"delivered: .*", _("It only tells that a letter of ours has arrived.")),
    (r"generated: empty envelope sender", _("A program sent it: it came without an address to return to.")),
    (r"generated: sender: (?P<sign>.+)", _("A program sent it: nobody reads mail at {sign}.")),
    (r"generated: report: .*", _("It is a report of a mail server.")),
    (r"generated: (?P<sign>.+)", _("A program sent it and says so: {sign}.")),
    (
        r"(?:delivery status|x-failed-recipients|undelivered, told in prose): (?P<sign>.+); not about a letter of ours",
        _("It tells of a letter that did not arrive ({sign}), and that letter is none of ours."),
    ),
    (
        r"(?:delivery status|x-failed-recipients|undelivered, told in prose): (?P<sign>.+)",
        _("It tells of a letter that did not arrive: {sign}."),
    ),
    (r"(?P<bytes>\d+) bytes", _("With {size} it is bigger than a mail may be.")),
    (r"x-spam-(?:flag|status)", _("A mail server on the way marked it as spam.")),
    (r"subject", _("Its subject calls it spam: a mail server on the way wrote that there.")),
    (r"dmarc=fail", _("The domain of the sender says that this is not its mail (DMARC failed).")),
    (r"nobody to answer", _("It has no address to which an answer could go.")),
    (
        r"no subject, no text, no attachment|nothing that can be used",
        _("There is neither text in it nor a file that may be kept."),
    ),
    (r"from one of us: .*", _("It came from the address of a colleague: the customer did not say this.")),
    (r"points at a ticket by .*", _("It answers a ticket whose customer is somebody else.")),
    (r"the ticket takes no more: .*", _("It answers a ticket that is closed, and a closed ticket takes nothing more.")),
    (r"from our own address (?P<sign>.+)", _("It came from an address of our own, {sign}: a loop.")),
    (r"carries the Message-ID of one of our letters|x-loop: .*", _("It is a letter of ours that came back: a loop.")),
    (r"the same as mail .*", _("The same mail had come before.")),
    (r"a new request|no sign of a machine", _("A person wrote it.")),
)
SENTENCES = tuple((re.compile(sign, re.DOTALL), sentence) for sign, sentence in SIGNS)


def in_words(reason: str, language: Language) -> str:
    """The sentence for what was noted of a mail."""
    for sign, sentence in SENTENCES:
        if fits := sign.fullmatch(reason):
            told = fits.groupdict()
            if size := told.pop("bytes", None):
                told["size"] = file_size(language, int(size))
            return translate(language, sentence, **told)
    return reason
