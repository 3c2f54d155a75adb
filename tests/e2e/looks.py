"""What every reader needs of a page: that it fits the screen, and that axe has nothing serious to say."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

SERIOUS = ("serious", "critical")


def faults(page: Any, options: dict[str, Any] | None = None) -> list[str]:
    """What a reader with other eyes or hands would stumble over; `options` are axe's."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    found = [f"{wide} px too wide"] if wide > 0 else []
    judged = Axe().run(page, options=options).response
    assert judged["passes"]
    return found + [
        f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in judged["violations"]
        if one["impact"] in SERIOUS
    ]
