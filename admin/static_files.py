"""The stylesheet, the script and the icon, at addresses that change with their content and so may be kept for ever."""

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

FOLDER: Final = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is sent."""

    content: bytes
    media_type: str
    digest: str


@cache
def static_files() -> dict[str, StaticFile]:
    """The files by name, read once: they belong to the release, nobody changes them under a running system."""
    return {path.name: _read(path) for path in sorted(FOLDER.iterdir()) if path.is_file()}


def static_url(name: str) -> str:
    """Where `name` is, its content hash in the address; raises KeyError for a file that does not exist."""
    return f"/static/{static_files()[name].digest}/{name}"


@get("/static/{digest:str}/{name:str}", include_in_schema=False, cache=False)
async def static_file(digest: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """The file; with the hash of another release in the address it is sent all the same, but not to be kept."""
    file = static_files().get(name)
    if file is None:
        raise NotFoundException
    keep = "public, max-age=31536000, immutable" if digest == file.digest else "no-cache"
    return Response(file.content, media_type=file.media_type, headers={"Cache-Control": keep})


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StaticFile(content, media_type, hashlib.sha256(content).hexdigest()[:12])
