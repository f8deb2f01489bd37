"""Legends: a colour AND a mark for each category, a graduated bar for a quantity."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..findings import Category, Legend
from ._html import fill, safe_color
from .words import quantity, say, unit_words, word

__all__ = ["MISSING_COLOR", "color_of", "ink_on", "legend_html", "present", "ticks"]

#: What has no value, or one that the legend does not name.
MISSING_COLOR = "#9c9c9c"

_STOPS = 11


def ink_on(color: str) -> str:
    """Black or white, whichever reads better on ``color`` (WCAG relative luminance)."""
    from matplotlib.colors import to_rgb

    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    # The luminance at which black and white have the same contrast.
    return "#000000" if luminance > 0.1791 else "#ffffff"


def color_of(legend: Legend, value: Any) -> str:
    """``#rrggbb`` of one value, :data:`MISSING_COLOR` where the legend has none for it."""
    if legend.scale is None:
        for category in legend.categories:
            if category.value == str(value):
                return safe_color(category.color)
        return MISSING_COLOR
    if value is None or value != value:
        return MISSING_COLOR
    from matplotlib import colormaps
    from matplotlib.colors import Normalize

    norm = Normalize(legend.scale.vmin, legend.scale.vmax, clip=True)
    return safe_color(colormaps[legend.scale.cmap](float(norm(float(value)))))


def present(legend: Legend, values: Collection[str] | None) -> tuple[Category, ...]:
    """The categories that occur among ``values`` (all of them if None), in the legend's order."""
    if values is None:
        return legend.categories
    return tuple(c for c in legend.categories if c.value in values)


def ticks(vmin: float, vmax: float, lang: str = "fr") -> list[tuple[float, str]]:
    """Round values of a scale and how they are written; both ends are always inside."""
    from matplotlib.ticker import MaxNLocator

    if not vmax > vmin:
        return [(vmin, quantity(vmin, "", 1, lang))]
    inside = [
        float(v)
        for v in MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]).tick_values(vmin, vmax)
        if vmin - 1e-9 <= v <= vmax + 1e-9
    ]
    step = inside[1] - inside[0] if len(inside) > 1 else vmax - vmin
    digits = next((d for d in range(6) if abs(round(step, d) - step) < 1e-9 * max(1.0, step)), 6)
    return [(v, quantity(v, "", digits, lang)) for v in inside]


def legend_html(
    legend: Legend,
    lang: str = "fr",
    values: Collection[str] | None = None,
    missing: bool = False,
) -> str:
    """The legend as HTML.

    Parameters
    ----------
    legend : Legend
        Categories or a scale.
    lang : str
        ``"fr"`` or ``"en"``.
    values : collection of str, optional
        Category values that occur on the map: the others are left out, so that the
        legend speaks of this commune.
    missing : bool
        Does the map show places without a value?
    """
    unit = unit_words(legend.unit, lang)
    title = say(legend.title, lang)
    note = say(legend.note, lang) if legend.note else ""
    grey = {"color": MISSING_COLOR, "ink": "#000000", "mark": "", "label": word("no_value", lang)}
    if legend.scale is None:
        entries = [
            {
                "color": safe_color(c.color),
                "ink": ink_on(c.color),
                "mark": c.mark,
                "label": say(c.label, lang),
            }
            for c in present(legend, values)
        ]
        if missing:
            entries.append(grey)
        return str(fill("categories", title=title, unit=unit, note=note, entries=entries))
    low, high = legend.scale.vmin, legend.scale.vmax
    marks = ticks(low, high, lang)
    width = high - low or 1.0
    stops = ",".join(color_of(legend, low + width * n / (_STOPS - 1)) for n in range(_STOPS))
    placed = []
    for value, text in marks:
        left = 100 * (value - low) / width
        kind = "eo-first" if left < 4 else "eo-last" if left > 96 else ""
        placed.append({"left": f"{left:.1f}", "text": text, "kind": kind})
    spoken = word("scale_from_to", lang).format(
        low=marks[0][1],
        high=quantity(marks[-1][0], "", 0, lang) if len(marks) < 2 else marks[-1][1],
    )
    return str(
        fill(
            "scale",
            title=title,
            unit=unit,
            note=note,
            stops=stops,
            ticks=placed,
            spoken=f"{title} : {spoken} {unit}".strip(),
            missing=grey if missing else None,
        )
    )
