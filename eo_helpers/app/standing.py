"""What the page says of the data of a commune: there, on their way, asking for somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ..text import day
from .words import translator

__all__ = ["standing_html", "waiting_for"]

_MARKS = {"here": "✓", "fetching": "↓", "coming": "↓", "nothing": "–"}


def waiting_for(rows: Sequence[Mapping[str, Any]], theme: str, lang: str) -> str:
    """The sentence of a theme that waits for data, empty where none are on their way."""
    _ = translator(lang)
    for row in rows:
        if row["state"] == "fetching" and theme in row["themes"]:
            part = f" ({round(100 * row['part'])}\u00a0%)" if row["part"] else ""
            return _("Téléchargement : {}…").format(row["title"]) + part
    return ""


def standing_html(rows: Sequence[Mapping[str, Any]], themes: Mapping[str, str], lang: str) -> str:
    """A folded list, theme by theme, under a line that says how many stand how.

    Parameters
    ----------
    rows : sequence of mapping
        As ``Answers.standing`` gives them.
    themes : mapping of str to str
        Titles of the themes, in the page's order.
    """
    if not rows:
        return ""
    _ = translator(lang)
    states = [row["state"] for row in rows]
    needing = _("{} demande une action")
    if states.count("needs") > 1:
        needing = _("{} demandent une action")
    counted = [
        (states.count("here"), _("{} là")),
        (states.count("fetching"), _("{} en téléchargement")),
        (states.count("needs"), needing),
    ]
    told = ", ".join(words.format(n) for n, words in counted if n)
    line = _("Les données de cette commune") + (f"{_(' : ')}{told}" if told else "")
    parts = []
    for name, title in (*themes.items(), ("", _("Fonds de carte"))):
        mine = [r for r in rows if (name in r["themes"] if name else not r["themes"])]
        if mine:
            items = "".join(_item(row, lang) for row in mine)
            parts.append(f"<h3>{escape(title)}</h3><ul>{items}</ul>")
    return (
        f'<details class="eo-standing"><summary>{escape(line)}</summary>{"".join(parts)}</details>'
    )


def _item(row: Mapping[str, Any], lang: str) -> str:
    _ = translator(lang)
    words = row["words"]
    if row["state"] == "here" and row["read_at"]:
        words += _(", lu le {}").format(day(row["read_at"], lang))
    told = f"{_(' : ')}{row['told']}" if row["told"] else ""
    mark = _MARKS.get(row["state"], "!")
    return (
        f'<li><span aria-hidden="true">{mark}</span> <strong>{escape(row["title"])}</strong> — '
        f"{escape(words + told)}</li>"
    )
