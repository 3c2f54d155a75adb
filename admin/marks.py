"""The small marks that stand in every row, drawn without a template: a page of the queue has hundreds of them."""

from functools import lru_cache
from typing import Final

from markupsafe import Markup, escape

from admin.time_bars import Tone
from service.words import Language, translate
from workflow.words import _

BARS: Final = 4
TONE_WORDS: Final[dict[Tone, str]] = {
    "fine": _("In time"), "warning": _("Soon due"), "late": _("Late"), "paused": _("Paused"), "ended": _("Ended"),
}  # fmt: skip
_SHAPES: Final = {
    "runs": '<circle cx="5" cy="5" r="4"/>',
    "rests": '<path d="M3 1.5v7M7 1.5v7"/>',
    "ended": '<path d="M1.5 5.2l2.5 2.5 4.5-5"/>',
}


@lru_cache(maxsize=1024)
def priority_badge(code: str, rank: int = 0, colour: str = "grey", name: str = "") -> Markup:
    """The more urgent, the more bars; the colour is the regulation's: a name of the stylesheet, or #rrggbb."""
    own = colour.startswith("#")
    shown = escape("colour-own" if own else f"colour-{colour}")
    title = f' title="{escape(name)}"' if name else ""
    return Markup(  # noqa: S704  what comes from elsewhere is escaped
        f'<span class="priority"{title}><svg class="priority-mark {shown}" viewBox="0 0 14 12" '
        f'fill="{escape(colour) if own else "currentColor"}" aria-hidden="true">'
        f"{''.join(_bar(bar, pale=bar > BARS - rank) for bar in range(BARS))}</svg>{escape(code)}</span>"
    )


def _bar(number: int, *, pale: bool) -> str:
    place = f'x="{number * 3.6:g}" y="{7.8 - number * 2.6:.1f}" width="2.6" height="{4.2 + number * 2.6:.1f}" rx="0.8"'
    opacity = ' opacity="0.22"' if pale else ""
    return f"<rect {place}{opacity}/>"


@lru_cache(maxsize=1024)
def state_badge(label: str, tone: str = "runs") -> Markup:
    """`tone`: runs, rests, ended: what the clock does in the state, never the state's name."""
    shape = _SHAPES.get(tone, _SHAPES["ended"])
    return Markup(  # noqa: S704
        f'<span class="state state-{escape(tone)}"><svg class="state-mark" viewBox="0 0 10 10" aria-hidden="true">'
        f"{shape}</svg>{escape(label)}</span>"
    )


def time_bar(language: Language, tone: Tone, share: float, said: str, exact: str = "") -> Markup:
    """`share` of the target that is used, 0 to 1; `said`: the words beside the bar; `exact`: the hover."""
    title = f' title="{escape(exact)}"' if exact else ""
    icon = "done" if tone == "ended" else tone
    used, word = f"{100 * min(max(share, 0.0), 1.0):.3g}", escape(translate(language, TONE_WORDS[tone]))
    return Markup(  # noqa: S704
        f'<span class="time time-{tone}"{title}><span class="time-said">'
        f'<svg class="icon" aria-hidden="true"><use href="#icon-{icon}"/></svg>'
        f'<span class="unseen">{word}: </span><span>{escape(said)}</span></span>'
        '<svg class="time-bar" width="100%" height="4" aria-hidden="true">'
        '<rect class="time-track" width="100%" height="4" rx="2"/>'
        f'<rect class="time-run" width="{used}%" height="4" rx="2"/></svg></span>'
    )
