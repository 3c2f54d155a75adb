"""Which files are taken, told before anybody chooses one (clause 7.6)."""

from __future__ import annotations

from service.regulation_words import said_size
from service.words import Language, translate
from workflow.regulation import Rulebook
from workflow.words import _


def policy_said(rules: Rulebook, language: Language) -> str:
    """The policy in force in one or two sentences."""
    policy = rules.regulation.attachments
    return translate(
        language,
        _(
            "Taken are {kinds}, up to {size} each; {inside} only inside {packed}. Files are judged by their content. "
            "Paste a screenshot or drop it here."
        ),
        kinds=_kinds(policy.allowed), packed=_kinds(policy.archives), inside=_kinds(policy.in_archives) or "—",
        size=said_size(policy.largest_bytes, language),
    )  # fmt: skip


def _kinds(media: tuple[str, ...]) -> str:
    return ", ".join(one.rpartition("/")[2].rpartition(".")[2].upper() for one in media)
