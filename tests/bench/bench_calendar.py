"""Working-time additions a second, for short and long amounts: `python tests/bench/bench_calendar.py`."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))  # runs from a checkout that is not installed

from workflow.working_calendar import WorkingCalendar, load_default_calendar

ROUNDS = 5
STARTS = [datetime(2016, 1, 2, tzinfo=UTC) + timedelta(hours=4.37 * n, microseconds=n) for n in range(20_000)]


def adds_per_second(calendar: WorkingCalendar, amount: timedelta) -> float:
    """The best of some rounds: other work on the machine only ever slows one down."""

    def round_of_adds() -> float:
        begun = perf_counter()
        for start in STARTS:
            calendar.add(start, amount)
        return perf_counter() - begun

    return len(STARTS) / min(round_of_adds() for _ in range(ROUNDS))


def main() -> None:
    begun = perf_counter()
    calendar = WorkingCalendar(load_default_calendar())
    print(f"built in {1000 * (perf_counter() - begun):.0f} ms")
    for hours in (8, 400):
        print(f"add {hours:>3} h: {adds_per_second(calendar, timedelta(hours=hours)):>9,.0f} a second")


if __name__ == "__main__":
    main()
