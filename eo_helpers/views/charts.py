"""Charts: declared as data by the themes, drawn here for a page, a phone or a notebook."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..findings import Bars, Chart, Series
from . import _draw
from ._html import fill
from ._svg import RC, Hit, inline_svg
from .words import interval, quantity, say, small_or, unit_words, word

__all__ = ["chart_html", "draw", "figure", "to_svg"]

#: Widths in pixels of the two drawings of a chart: a page and a phone.
WIDE, NARROW = 680, 360


def draw(chart: Chart, ax: Any, lang: str = "fr", narrow: bool = False) -> None:
    """Draw a chart on matplotlib axes.

    Parameters
    ----------
    chart : Bars or Series
        What to draw.
    ax : matplotlib.axes.Axes
        Where; its size is the caller's.
    lang : str
        Language of labels and figures.
    narrow : bool
        Labels above the bars, one key line per series: for widths under about 450 pixels.
    """
    if isinstance(chart, Bars):
        _draw.draw_bars(chart, ax, lang, narrow)
    else:
        _draw.draw_series(chart, ax, lang, narrow)


def figure(chart: Chart, lang: str = "fr", narrow: bool = False) -> tuple[Any, Any]:
    """A figure of the right size at 72 dpi, with the chart on it: ``(figure, ax)``."""
    import matplotlib
    from matplotlib.figure import Figure

    width = NARROW if narrow else WIDE
    with matplotlib.rc_context(RC):
        if isinstance(chart, Bars):
            height = max(1, len(chart.data)) * (46 if narrow else 34) + 8
            right = _draw.room_after_bars(chart, lang)
            left = 2 if narrow else 300
            box = (left, 4, width - left - right, height - 8)
        else:
            keys = _draw.key_rows(chart, lang, narrow)
            top = 30 + (19 * keys if narrow else 26 * keys)
            height = (260 if narrow else 270) + top
            box = (46, 30, width - 46 - 14, height - 30 - top)
        drawn = Figure(figsize=(width / 72, height / 72), dpi=72)
        ax = drawn.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
        draw(chart, ax, lang, narrow)
    return drawn, ax


def to_svg(chart: Chart, lang: str = "fr", narrow: bool = False) -> str:
    """The chart as an inline SVG element: text as text, answering to the pointer.

    The same chart gives the same text, byte for byte.
    """
    import matplotlib

    drawn, ax = figure(chart, lang, narrow)
    with matplotlib.rc_context(RC):
        return inline_svg(
            drawn, say(chart.title, lang), say(chart.alt, lang), _hits(chart, ax, lang)
        )


def _hits(chart: Chart, ax: Any, lang: str) -> list[Hit]:
    """Rows of bars, or strips around dates, in the pixels of the SVG (y downward)."""
    size = ax.figure.bbox
    if isinstance(chart, Bars):
        edges = ax.transData.transform([(0, n - 0.5) for n in range(len(chart.data) + 1)])[:, 1]
        tops = size.height - edges
        return [
            Hit(0, tops[n], size.width, tops[n + 1] - tops[n], _draw.bar_words(chart, n, lang))
            for n in range(len(chart.data))
        ]
    import matplotlib.dates as mdates

    if not len(chart.data):
        return []
    days = mdates.date2num(_draw.dates_of(chart).to_pydatetime())
    x = ax.transData.transform([(d, 0) for d in days])[:, 0]
    box = ax.get_window_extent()
    edges = np.concatenate([[box.x0], (x[1:] + x[:-1]) / 2, [box.x1]])
    top = size.height - box.y1
    return [
        Hit(edges[n], top, max(edges[n + 1] - edges[n], 0.1), box.height,
            _draw.date_text(chart, n, lang))
        for n in range(len(days))
    ]  # fmt: skip


def chart_html(chart: Chart, lang: str = "fr") -> str:
    """A figure with its title, the drawing for pages and for phones, and its data as a table."""
    from markupsafe import Markup

    title = say(chart.title, lang)
    head, rows = _bars_table(chart, lang) if isinstance(chart, Bars) else _series_table(chart, lang)
    events = []
    if isinstance(chart, Series):
        monthly = _draw.is_monthly(chart)
        for event in chart.events:
            when, label, within = _draw.event_words(event, monthly, lang)
            events.append(f"{when} – {label}" + (f" ({within})" if within else ""))
    return str(
        fill(
            "chart",
            title=title,
            lang=lang,
            # inline_svg escapes what it writes
            wide=Markup(to_svg(chart, lang)),
            narrow=Markup(to_svg(chart, lang, narrow=True)),
            table=fill("data", title=title, head=head, rows=rows),
            events=events,
        )
    )


def _bars_table(chart: Bars, lang: str) -> tuple[list[str], list[list[str]]]:
    data = chart.data.reset_index(drop=True)
    ranged = {"low", "high"} <= set(data.columns)
    head = [word("category", lang), word("value", lang)]
    rows = []
    for n in range(len(data)):
        row = [_draw.bar_label(data, n, lang), _said(data["value"].iloc[n], chart, lang)]
        if ranged:
            low, high = float(data["low"].iloc[n]), float(data["high"].iloc[n])
            known = low == low and high == high
            # The unit is in the cell beside it; twice would not fit a phone.
            row.append(interval(low, high, "", chart.digits, lang) if known else "")
        rows.append(row)
    return head + ([word("interval", lang)] if ranged else []), rows


def _series_table(chart: Series, lang: str) -> tuple[list[str], list[list[str]]]:
    unit = unit_words(chart.unit, lang)
    suffix = f" ({unit})" if unit else ""
    head = [word("date", lang)]
    for line in chart.lines:
        head += [say(line.label, lang) + suffix]
    rows = []
    for n in range(len(chart.data)):
        # The words that the pointer is told, cut in cells: one text for one fact.
        row = [_draw.date_text(chart, n, lang).split("\n")[0]]
        for line in chart.lines:
            values = [float(chart.data[c].iloc[n]) for c in _draw.columns_of(line)]
            if not np.isfinite(values).all():
                row.append("–")
            elif line.style == "band":
                row.append(_draw.band_words(values[0], values[-1], "", chart.digits, lang))
            else:
                row.append(quantity(values[0], "", chart.digits, lang))
        rows.append(row)
    return head, rows


def _said(value: Any, chart: Bars, lang: str) -> str:
    value = float(value)
    return (
        small_or(value, chart.unit, chart.digits, lang) if value == value else word("missing", lang)
    )
