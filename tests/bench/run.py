"""Measures this machine and Reglament on it, side by side in one run: `python tests/bench/run.py [chapter …]`.

Prints each figure as it is found; writes a table as Markdown and as JSON where `--out` says, and the main figures into
`--readme`. `--sizes` are the numbers of tickets that the desk is measured with; `--quick` is a look at everything in a
minute or two, and no measure.
"""

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import AsyncIterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs from a checkout that is not installed

import msgspec

from service.clock import now
from tests.bench import desk, limits, mails, publishing, pure, whole, workers
from tests.bench.figures import Figure, Run, growths, markdown, with_headlines
from tests.bench.past import Past
from tests.bench.place import a_place
from tests.bench.plans import plans

SIZES = (10_000, 100_000, 1_000_000)
SECONDS = 5.0
MOST_GROWTH = 1.5


async def the_desk(sizes: tuple[int, ...], *, seconds: float) -> AsyncIterator[Figure]:
    """The machine's limits, then the desk with more and more tickets on the same servers."""
    async with a_place() as place:
        found = []
        async for figure in limits.measure(place, seconds=seconds):
            found.append(figure)
            yield figure
        past = Past()
        here = desk.Desk(place, seconds=seconds, limits={one.name: one.value for one in found})
        await past.live(now())
        await here.furnish()
        measured = []
        for size in sizes:
            await past.grow(size)
            async for figure in here.measure(past):
                measured.append(figure)
                yield figure
            async for figure in plans(past):
                yield figure
        for figure in growths(measured, most=MOST_GROWTH):
            yield figure


async def everything(chapters: set[str], sizes: tuple[int, ...], *, quick: bool) -> AsyncIterator[Figure]:
    scale, seconds = (0.01, 0.3) if quick else (1.0, SECONDS)
    parts = {
        "desk": lambda: the_desk(sizes, seconds=seconds),
        "pure": pure.measure,
        "mails": lambda: mails.measure(scale=scale),
        "publishing": lambda: publishing.measure(scale=scale),
        "whole": lambda: whole.measure(settled=1 if quick else whole.SETTLED),
        "workers": workers.Workers(scale=scale).measure,
    }
    for name, measure in parts.items():
        if not chapters or name in chapters:
            async for figure in measure():
                yield figure


def machine() -> str:
    return f"{os.cpu_count()} cores ({platform.machine()}, {platform.system()}), Python {platform.python_version()}"


async def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("chapters", nargs="*", help="desk, pure, workers, mails, publishing, whole; all by default")
    asked.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of tickets, separated by commas")
    asked.add_argument("--out", type=Path, help="a path without its ending: .md and .json are written")
    asked.add_argument("--readme", type=Path, help="a text whose table of speed is replaced")
    asked.add_argument("--quick", action="store_true")
    given = asked.parse_args()
    sizes = tuple(int(size) for size in given.sizes.split(","))
    found: list[Figure] = []
    try:
        async for figure in everything(set(given.chapters), sizes, quick=given.quick):
            print(figure, flush=True)
            found.append(figure)
    finally:  # whatever was found until then, though it was interrupted
        run = Run(machine=machine(), seconds=0.3 if given.quick else SECONDS, figures=tuple(found))
        if given.out:
            given.out.with_suffix(".md").write_text(markdown(run), "utf-8")
            given.out.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(run)) + b"\n")
    if given.readme:
        given.readme.write_text(with_headlines(given.readme.read_text("utf-8"), run), "utf-8")
    missed = [one for one in found if one.kept is False]
    print(f"{len(found)} figures, {len(missed)} bars missed.")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
