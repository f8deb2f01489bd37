"""How the two kinds of charts are drawn with matplotlib: sober, labelled on the spot."""

from __future__ import annotations

import datetime as dt
import textwrap
from typing import Any

import numpy as np
from babel.dates import format_date

from ..findings import Bars, Event, Line, Series
from ..text import day, month, number
from .legends import ink_on
from .words import colon, date_words, interval, quantity, say, small_or, span, unit_words, word

__all__ = ["dates_of", "draw_bars", "draw_series", "event_words", "is_monthly"]

INK, SOFT, RULE, GROUND = "#161616", "#595959", "#d9d9d9", "#ffffff"

#: Lines, in order: told apart by hue, by lightness and by dash.
COLORS = ("#0f6073", "#b8460b", "#6d3f97", "#3f6b1f")
DASHES = ("-", "--", "-.", ":")
POINTS = "#7d8790"
EVENT = "#161616"

#: More events than this are dated only: their labels would hide the data.
_LABELLED = 4

_LOCALES = {"fr": "fr_FR", "en": "en_GB"}


# -- bars -------------------------------------------------------------------------------------


def draw_bars(chart: Bars, ax: Any, lang: str, narrow: bool = False) -> None:
    """Horizontal bars, first row on top, each with its mark, label, value and interval."""
    data = chart.data.reset_index(drop=True)
    rows = range(len(data))
    values = data["value"].astype(float).to_numpy()
    lows, highs = _bound(data, "low"), _bound(data, "high")
    height = 0.36 if narrow else 0.6
    middle = 0.2 if narrow else 0.0
    for n in rows:
        value = values[n]
        color = _cell(data, "color", n) or COLORS[0]
        if np.isfinite(value):
            ax.barh(
                n + middle, value, height=height, color=color, edgecolor="#00000055", linewidth=0.6
            )
        if np.isfinite([lows[n], highs[n]]).all():
            ax.plot(
                [lows[n], highs[n]], [n + middle] * 2, color=INK, linewidth=1.4, marker="|",
                markersize=6,
            )  # fmt: skip
        _bar_texts(ax, chart, n, values, lows, highs, middle, lang, narrow)
    everything = np.concatenate([values, lows, highs, [0.0]])
    everything = everything[np.isfinite(everything)]
    low, high = float(everything.min()), float(everything.max())
    ax.set_xlim(low, high if high > low else low + 1)
    ax.set_ylim(len(data) - 0.5, -0.5)
    ax.axvline(0, color=SOFT, linewidth=1)
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(False)
    ax.set_facecolor("none")


def _bar_texts(
    ax: Any,
    chart: Bars,
    n: int,
    values: np.ndarray,
    lows: np.ndarray,
    highs: np.ndarray,
    middle: float,
    lang: str,
    narrow: bool,
) -> None:
    data = chart.data.reset_index(drop=True)
    label, mark = bar_label(data, n, lang), _cell(data, "mark", n)
    color = _cell(data, "color", n) or COLORS[0]
    wide = _mark_width(data)
    if narrow:
        at = {"xy": (0, n - 0.22), "xycoords": ("axes fraction", "data")}
        shift = wide + 9 if wide else 4
        ax.annotate(
            label, xytext=(shift, 0), textcoords="offset points", va="center", color=INK, **at
        )
        where = (2 + wide / 2, 0)
    else:
        at = {"xy": (0, n), "xycoords": ("axes fraction", "data")}
        shift = -(wide + 17) if wide else -8
        ax.annotate(
            textwrap.fill(label, 34 if wide < 20 else 30), xytext=(shift, 0),
            textcoords="offset points", ha="right", va="center", color=INK, linespacing=1.1, **at,
        )  # fmt: skip
        where = (-(9.5 + wide / 2), 0)
    if mark:
        ax.annotate(
            mark, xytext=where, textcoords="offset points", ha="center", va="center",
            fontsize=11, fontweight="bold", color=ink_on(color),
            bbox={"boxstyle": "square,pad=0.3", "fc": color, "ec": "#00000055", "lw": 0.6}, **at,
        )  # fmt: skip
    value = values[n]
    known = np.isfinite(value)
    text = small_or(value, chart.unit, chart.digits, lang) if known else word("missing", lang)
    ends = [v for v in (value, highs[n], 0.0) if np.isfinite(v)]
    said = ax.annotate(
        text, xy=(max(ends), n + middle), xytext=(7, 0), textcoords="offset points", va="center",
        fontweight="bold" if known else "normal", color=INK if known else SOFT,
    )  # fmt: skip
    if np.isfinite([lows[n], highs[n]]).all():
        bounds = interval(lows[n], highs[n], "", chart.digits, lang)
        ax.annotate(
            bounds, xy=(1, 0.5), xycoords=said, xytext=(6, 0), textcoords="offset points",
            va="center", fontsize=11, color=SOFT,
        )  # fmt: skip


def _mark_width(data: Any) -> float:
    """Pixels of the widest mark with its square; 0 without marks."""
    if "mark" not in data.columns:
        return 0.0
    return 7 + 8 * max((len(_cell(data, "mark", n)) for n in range(len(data))), default=0)


def room_after_bars(chart: Bars, lang: str) -> int:
    """Pixels that the longest value, with its interval, takes right of its bar."""
    data = chart.data.reset_index(drop=True)
    lows, highs = _bound(data, "low"), _bound(data, "high")
    widest = 60
    for n, value in enumerate(data["value"].astype(float)):
        said = small_or(value, chart.unit, chart.digits, lang) if value == value else "?" * 14
        width = 16 + 8.6 * len(said)
        if np.isfinite([lows[n], highs[n]]).all():
            width += 6 + 6.6 * len(interval(lows[n], highs[n], "", chart.digits, lang))
        widest = max(widest, int(width))
    return min(widest, 230)


def bar_label(data: Any, n: int, lang: str) -> str:
    """The label of row ``n``, in French where the language lacks."""
    column = f"label_{lang}"
    return str(data[column if column in data.columns else "label_fr"].iloc[n])


def _bound(data: Any, column: str) -> np.ndarray:
    if column in data.columns:
        return data[column].astype(float).to_numpy()
    return np.full(len(data), np.nan)


def _cell(data: Any, column: str, n: int) -> str:
    if column not in data.columns:
        return ""
    value = data[column].iloc[n]
    return "" if value is None or value != value else str(value)


# -- series -----------------------------------------------------------------------------------


def dates_of(chart: Series) -> Any:
    """The dates as a ``DatetimeIndex``, naive."""
    import pandas as pd

    return pd.DatetimeIndex(pd.to_datetime(chart.data["date"]))


def is_monthly(chart: Series) -> bool:
    """Do the dates stand for months?"""
    dates = dates_of(chart)
    return bool(len(dates) > 1 and (dates.day == 1).all())


def event_words(event: Event, monthly: bool, lang: str) -> tuple[str, str, str]:
    """Date, label and interval of an event, in words (the interval may be empty)."""
    write = month if monthly else day
    within = ""
    if event.low and event.high and event.low[:10] != event.high[:10]:
        within = span(_date(event.low), _date(event.high), monthly, lang)
        if within == write(_date(event.date), lang):  # the same month: said already
            within = ""
    return write(_date(event.date), lang), say(event.label, lang), within


def _date(text: str) -> dt.date:
    return dt.date.fromisoformat(text[:10] if len(text) > 7 else text + "-01")


def draw_series(chart: Series, ax: Any, lang: str, narrow: bool = False) -> None:
    """A time series: measurements, lines, bands and dated events."""
    dates = dates_of(chart)
    shown = [column for line in chart.lines for column in columns_of(line)]
    values = chart.data[shown].astype(float).to_numpy() if shown else np.empty((len(dates), 0))
    _frame_of(ax, chart, lang)
    if not np.isfinite(values).any():
        ax.text(
            0.5, 0.5, textwrap.fill(word("nothing_drawn", lang), 40), transform=ax.transAxes,
            ha="center", va="center", color=SOFT,
        )  # fmt: skip
        ax.set_xticks([])
        ax.set_yticks([])
        return
    tints: dict[str, str] = {}
    for line in chart.lines:
        if line.style in ("line", "step", "stairs"):
            tints.setdefault(line.column, COLORS[len(tints) % len(COLORS)])
    dashes = iter(DASHES * len(chart.lines))
    for line in chart.lines:
        # A band has the colour of the line that it belongs to.
        tint = POINTS if line.style == "points" else tints.get(line.column, COLORS[0])
        dash = next(dashes) if line.style == "line" else "-"
        _draw_line(ax, chart, line, dates, tint, dash, lang)
    low, high = _y_limits(ax, values, chart, narrow, lang)
    pad = (dates[-1] - dates[0]) * 0.015 if len(dates) > 1 else dt.timedelta(days=20)
    ax.set_xlim(dates[0] - pad, dates[-1] + pad)
    ax.set_ylim(low, high)
    _axes_words(ax, dates, lang, narrow)
    for n, event in enumerate(chart.events):
        _draw_event(ax, chart, event, n, lang, narrow)
    if keyed(chart):
        _key(ax, narrow)


def keyed(chart: Series) -> bool:
    """Does the chart need a key? Points of one series, or a count, say nothing of themselves."""
    alone = any(line.style in ("points", "stairs") for line in chart.lines)
    return len(chart.lines) > 1 or alone


def key_rows(chart: Series, lang: str, narrow: bool) -> int:
    """Lines of text that the key takes."""
    if not keyed(chart):
        return 0
    return sum(len(_key_lines(say(x.label, lang))) for x in chart.lines) if narrow else 1


def _key_lines(label: str) -> list[str]:
    return textwrap.wrap(label, 40) or [""]


def columns_of(line: Line) -> list[str]:
    """The columns that a line reads."""
    named = [line.low, line.high] if line.style == "band" else [line.column]
    return [c for c in named if c]


def _draw_line(
    ax: Any, chart: Series, line: Line, dates: Any, color: str, dash: str, lang: str
) -> None:
    label = say(line.label, lang)
    data = chart.data
    if line.style == "band":
        low, high = data[line.low].astype(float), data[line.high].astype(float)
        ax.fill_between(dates, low, high, color=color, alpha=0.18, linewidth=0, label=label)
        return
    y = data[line.column].astype(float).to_numpy()
    if line.style == "points":
        ax.plot(dates, y, "o", color=color, markersize=3.6, markeredgewidth=0, label=label)
    elif line.style in ("step", "stairs"):
        where = "mid" if line.style == "step" else "post"
        ax.step(dates, y, where=where, color=color, linewidth=2.6, label=label)
    else:
        ax.plot(dates, y, dash, color=color, linewidth=1.5, label=label)
        known = np.isfinite(y)
        alone = known & ~np.r_[False, known[:-1]] & ~np.r_[known[1:], False]
        ax.plot(dates[alone], y[alone], "o", color=color, markersize=2.6, markeredgewidth=0)


def _frame_of(ax: Any, chart: Series, lang: str) -> None:
    ax.set_facecolor("none")
    for name, side in ax.spines.items():
        side.set_visible(name == "bottom")
        side.set_color(SOFT)
    ax.grid(axis="y", color=RULE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", length=0, labelsize=12, labelcolor=SOFT, pad=6)
    ax.tick_params(axis="x", length=4, color=SOFT)
    ax.set_ylabel("")
    ax.annotate(
        unit_words(chart.unit, lang), xy=(0, 1), xycoords="axes fraction", xytext=(-34, 10),
        textcoords="offset points", fontsize=12, color=SOFT,
    )  # fmt: skip


def _y_limits(
    ax: Any, values: np.ndarray, chart: Series, narrow: bool, lang: str
) -> tuple[float, float]:
    """From zero where zero is not far, with room for the labels of the events above the data."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if 0 <= low < 0.6 * high:
        low = 0.0
    height = high - low or abs(high) or 1.0
    if low != 0.0:
        low -= 0.06 * height
    pixels = ax.get_window_extent().height * 72 / ax.figure.dpi
    if 0 < len(chart.events) <= _LABELLED:
        need = sum(16 * len(_event_lines(chart, e, narrow, lang)) + 4 for e in chart.events)
    else:
        need = 88 if chart.events else 0
    share = min(need / pixels, 0.6)
    return low, low + (high - low + 0.06 * height) / (1 - share)


def _event_lines(chart: Series, event: Event, narrow: bool, lang: str) -> list[str]:
    when, label, within = event_words(event, is_monthly(chart), lang)
    wide = 27 if narrow else 44
    crowded = narrow and len(chart.events) > 2
    return [
        when,
        *textwrap.wrap(label, wide),
        # On a phone it would cover the drawing; the list below the chart says it.
        *(textwrap.wrap(f"({within})", wide) if within and not crowded else []),
    ]


def _draw_event(ax: Any, chart: Series, event: Event, n: int, lang: str, narrow: bool) -> None:
    import matplotlib.dates as mdates

    at = mdates.date2num(_date(event.date))
    if event.low and event.high:
        ax.axvspan(_date(event.low), _date(event.high), color=EVENT, alpha=0.1, linewidth=0)
    ax.axvline(at, color=EVENT, linewidth=1.2, linestyle=(0, (4, 3)))
    left, right = ax.get_xlim()
    onward = (at - left) < 0.5 * (right - left)
    turned = len(chart.events) > _LABELLED
    when = event_words(event, is_monthly(chart), lang)[0]
    style: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    if turned:
        near = [_pixels(ax, other) for other in chart.events[:n]]
        here = _pixels(ax, event)
        if any(abs(here - x) < 1 for x in near):
            return  # two events of one day: their date is written once
        crowded = any(here - x < 16 for x in near) and here < ax.get_window_extent().x1 - 16
        ax.annotate(
            when, xy=(at, 1), xytext=(3 if crowded else -3, -2), rotation=90,
            ha="left" if crowded else "right", va="top", fontsize=10, color=INK, **style,
        )  # fmt: skip
        return
    above = sum(16 * len(_event_lines(chart, e, narrow, lang)) + 4 for e in chart.events[:n])
    for row, text in enumerate(_event_lines(chart, event, narrow, lang)):
        ax.annotate(
            text, xy=(at, 1), xytext=(6 if onward else -6, -above - 16 * row),
            ha="left" if onward else "right", va="top", fontsize=12,
            color=SOFT if row else INK, fontweight="normal" if row else "bold",
            bbox={"facecolor": "#ffffff", "edgecolor": "none", "pad": 0.6, "alpha": 0.9},
            zorder=6, **style,
        )  # fmt: skip


def _pixels(ax: Any, event: Event) -> float:
    """Where an event stands, from the left of the drawing."""
    import matplotlib.dates as mdates

    return float(ax.transData.transform((mdates.date2num(_date(event.date)), 0))[0])


def _key(ax: Any, narrow: bool) -> None:
    """What each line is, above the plot and below the unit's line of text."""
    handles, labels = ax.get_legend_handles_labels()
    if narrow:
        labels = ["\n".join(_key_lines(label)) for label in labels]
    pixels = ax.get_window_extent().height * 72 / ax.figure.dpi
    ax.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(-0.02, 1 + 30 / pixels),
        ncols=1 if narrow else len(labels), frameon=False, fontsize=12, labelcolor=INK,
        handlelength=1.6, handletextpad=0.6, columnspacing=1.6, borderaxespad=0, labelspacing=0.35,
        markerscale=1.6,
    )  # fmt: skip


def _axes_words(ax: Any, dates: Any, lang: str, narrow: bool) -> None:
    import matplotlib.dates as mdates
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    marks = [float(v) for v in ax.get_yticks()]
    step = marks[1] - marks[0] if len(marks) > 1 else 1.0
    digits = next((d for d in range(6) if abs(round(step, d) - step) < 1e-9), 6)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: number(v + 0.0, digits, lang)))
    years = (dates[-1] - dates[0]).days / 365.25
    room = 6 if narrow else 11
    if years >= 3:
        base = next((b for b in (1, 2, 5, 10, 20, 50) if years / b <= room), 100)
        ax.xaxis.set_major_locator(mdates.YearLocator(base))
        pattern = "y"
    elif years >= 0.25:
        months = 12 * years
        every = next((b for b in (1, 2, 3, 6) if months / b <= room * 0.8), 12)
        ax.xaxis.set_major_locator(mdates.MonthLocator(range(1, 13, every)))
        pattern = "MMM y"
    else:
        ax.xaxis.set_major_locator(mdates.AutoDateLocator(maxticks=room - 1))
        pattern = "d MMM"
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda v, _: format_date(mdates.num2date(v), pattern, locale=_LOCALES[lang]))
    )


# -- what the pointer is told -------------------------------------------------------------------


def bar_words(chart: Bars, n: int, lang: str) -> str:
    """« Forêt : 12,5 % (entre 11,0 et 14,2 %) »."""
    data = chart.data.reset_index(drop=True)
    value = float(data["value"].iloc[n])
    said = (
        quantity(value, chart.unit, chart.digits, lang) if value == value else word("missing", lang)
    )
    low, high = _bound(data, "low")[n], _bound(data, "high")[n]
    if np.isfinite([low, high]).all():
        said += f" ({interval(low, high, chart.unit, chart.digits, lang)})"
    return f"{bar_label(data, n, lang)}{colon(lang)}{said}"


def band_words(low: float, high: float, unit: str, digits: int, lang: str) -> str:
    """Bounds that stand alone: one figure where both are written the same."""
    one = quantity(high, unit, digits, lang)
    return (
        one if quantity(low, unit, digits, lang) == one else interval(low, high, unit, digits, lang)
    )


def date_text(chart: Series, n: int, lang: str) -> str:
    """Everything that the chart shows at its ``n``-th date."""
    monthly = is_monthly(chart)
    iso = dates_of(chart)[n].date().isoformat()
    lines = [date_words(iso[:7] if monthly else iso, lang)]
    for line in chart.lines:
        values = [float(chart.data[c].iloc[n]) for c in columns_of(line)]
        if not all(np.isfinite(values)):
            continue
        if line.style == "band":
            said = band_words(values[0], values[-1], chart.unit, chart.digits, lang)
        else:
            said = quantity(values[0], chart.unit, chart.digits, lang)
        lines.append(f"{say(line.label, lang)}{colon(lang)}{said}")
    if len(lines) == 1:
        lines.append(word("missing", lang))
    for event in chart.events:
        if event.date[: 7 if monthly else 10] == iso[: 7 if monthly else 10]:
            _, label, within = event_words(event, monthly, lang)
            lines.append(f"{label} ({within})" if within else label)
    return "\n".join(lines)
