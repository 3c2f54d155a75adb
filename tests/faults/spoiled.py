"""`reglament` with something wrong about the machine or the mail, as SPOILED_* variables say; run as a script.

`SPOILED_POISON=word` ends the process when it is to send a body with the word. `SPOILED_CLOCK=file` moves the wall
clock of this process by the seconds in the file, as an administrator or a broken time server would. `SPOILED_CALM=2`
makes the pause after a jump of the clock two seconds long.
"""

import os
import sys
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))


def wrong_by(file: Path) -> float:
    try:
        return float(file.read_text() or 0)
    except FileNotFoundError:
        return 0.0


def move_the_clock(file: Path) -> None:
    """Before anything else is imported: names that are bound at import must be ours."""
    real = time.time
    time.time = lambda: real() + wrong_by(file)

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + timedelta(seconds=wrong_by(file))

    from service import clock

    clock.datetime = Moved  # type: ignore[misc]


def swallow_poison(word: bytes) -> None:
    from notifications.post import Poster

    post = Poster.post

    async def deadly(self: Poster, url: str, body: bytes, headers: Any) -> Any:
        if word in body:
            os._exit(70)
        return await post(self, url, body, headers)

    Poster.post = deadly  # type: ignore[method-assign]


def main() -> None:
    if file := os.environ.get("SPOILED_CLOCK"):
        move_the_clock(Path(file))
    if word := os.environ.get("SPOILED_POISON"):
        swallow_poison(word.encode())
    if calm := os.environ.get("SPOILED_CALM"):
        from notifications import worker

        worker.CALM = float(calm)
    from service.cli import main as reglament

    reglament()


if __name__ == "__main__":
    main()
