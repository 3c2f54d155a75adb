"""Files that come with a form: judged by content and kept at once, so that a form shown again does not lose them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from admin.reading import AnyRequest
from service import files
from service.auth import actor_of, doors
from service.change import File
from service.file_content import REFUSED, AttachmentPolicy, judge, policy_of
from service.words import Language, translate
from workflow.errors import FieldError, WrongFields
from workflow.regulation import Rulebook
from workflow.words import _

FIELD: Final = "attachments"
KEPT: Final = "kept"
ALONG: Final = "along"
TOO_MANY: Final = _("Too many files at once")


class KeptFile(msgspec.Struct, frozen=True):
    """A file that lies on the shelf already; `token` is how the form brings it along again."""

    filename: str
    content_type: str
    size: int
    sha256: str
    token: str = ""


class Brought(msgspec.Struct, frozen=True):
    """What came with a form: what is kept, and the names of what is not taken, each with the reason.

    `along` are the ids of files that lie on the ticket already.
    """

    kept: tuple[KeptFile, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    along: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[File, ...]:
        return tuple(File(one.filename, one.content_type, one.size, one.sha256) for one in self.kept)

    def demand_all_taken(self, language: Language) -> None:
        """Raises WrongFields naming every file that is not taken (clause 7.6)."""
        if self.refused:
            named = "; ".join(f"{name} ({translate(language, why)})" for name, why in self.refused)
            sentence = _("Not taken: {files}. The other files stay in the form.")
            raise WrongFields([FieldError(FIELD, sentence, {"files": named})])


async def brought(request: AnyRequest, rules: Rulebook, *, owner: str = "") -> Brought:
    """The files of the form: those kept by an earlier try, and those that came now, judged by the policy in force.

    `owner` is whose form it is, where that is no colleague's.
    """
    form = await request.form()
    given = [one for one in form.getall(FIELD, []) if hasattr(one, "read") and one.filename]
    seal = owner or (await actor_of(request)).principal
    again = [_opened(request, str(token), seal) for token in form.getall(KEPT, [])]
    policy = policy_of(rules.regulation.attachments)
    judged = [await _judged(one, policy) for one in given]
    fresh = [_sealed(request, one, seal) for one in judged if isinstance(one, KeptFile)]
    kept = _once([one for one in again if one is not None] + fresh)
    return Brought(
        kept=tuple(kept[: files.MOST_AT_ONCE]),
        refused=tuple(one for one in judged if isinstance(one, tuple))
        + tuple((one.filename, TOO_MANY) for one in kept[files.MOST_AT_ONCE :]),
        along=tuple(str(one) for one in form.getall(ALONG, [])),
    )


async def _judged(upload: Any, policy: AttachmentPolicy) -> KeptFile | tuple[str, str]:
    data: bytes = await upload.read()
    name = files.plain_name(upload.filename)
    verdict = await asyncio.to_thread(judge, data, name, policy)
    if verdict.reason:
        return name, REFUSED[verdict.reason]
    sha256 = await asyncio.to_thread(files.keep, data)
    return KeptFile(name, verdict.content_type, len(data), sha256)


def _once(kept: Sequence[KeptFile]) -> list[KeptFile]:
    return list({(one.sha256, one.filename): one for one in kept}.values())


# --- what the form remembers ------------------------------------------------------------------------------------------


def _sealed(request: AnyRequest, file: KeptFile, owner: str) -> KeptFile:
    facts = [file.filename, file.content_type, file.size, file.sha256]
    told = base64.urlsafe_b64encode(msgspec.json.encode(facts)).decode()
    return msgspec.structs.replace(file, token=f"{told}.{doors(request).seal(f'file:{owner}:{told}')}")


def _opened(request: AnyRequest, token: str, owner: str) -> KeptFile | None:
    """The file a token of ours stands for; None for any other: nobody attaches what he was not shown."""
    told, _dot, seal = token.partition(".")
    if not hmac.compare_digest(seal.encode(), doors(request).seal(f"file:{owner}:{told}").encode()):
        return None
    try:
        facts = msgspec.json.decode(base64.urlsafe_b64decode(told), type=tuple[str, str, int, str])
    except (binascii.Error, msgspec.DecodeError):
        return None
    return KeptFile(*facts, token=token)
