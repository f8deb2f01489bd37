"""Two communes side by side: the other one's sentence, and the figures both have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from .words import translator

__all__ = ["beside_html"]

#: Rows in sight; the others are folded away.
_SHOWN = 5


def beside_html(here: Mapping[str, Any], there: Mapping[str, Any], lang: str) -> str:
    """The comparison of two answers of one theme as HTML.

    Parameters
    ----------
    here, there : dict
        Bundles of one theme, computed with the same controls (see ``views.bundle``).
    lang : str
        Language of both.

    Returns
    -------
    str
        The other commune's sentence, then a table of the figures that both have, in the
        order of ``here``. Only figures of the same name are set side by side; what only one
        of the two has is left to its own page.
    """
    _ = translator(lang)
    name = there["commune"]["name"]
    rows = _common(here["indicators"], there["indicators"])
    heading = escape(_("À côté : {}").format(name), False)
    parts = [
        f"<h3>{heading}</h3>",
        f'<p class="eo-beside-said">{escape(there["headline"], False)}</p>',
    ]
    columns = here["commune"]["name"], name
    if rows:
        title = _("Les mêmes chiffres pour les deux communes")
        parts.append(_table(rows[:_SHOWN], columns, title, lang))
        if rows[_SHOWN:]:
            more = escape(_("Les autres chiffres ({})").format(len(rows) - _SHOWN), False)
            rest = _table(rows[_SHOWN:], columns, title, lang)
            parts.append(f'<details class="eo-more"><summary>{more}</summary>{rest}</details>')
    else:
        words = _("Aucun chiffre n'est connu des deux côtés : il n'y a rien à comparer ici.")
        parts.append(f'<p class="eo-calm">{escape(words, False)}</p>')
    return f'<section class="eo-beside">{"".join(parts)}</section>'


def _common(
    here: Sequence[Mapping[str, str]], there: Sequence[Mapping[str, str]]
) -> list[tuple[Mapping[str, str], Mapping[str, str]]]:
    """Pairs of rows that tell the same: same name AND same words."""
    theirs = {row["name"]: row for row in there}
    pairs = [(row, theirs[row["name"]]) for row in here if row["name"] in theirs]
    # A name whose words hold a place's own (« îlot 12 ») is not the same figure.
    return [(mine, other) for mine, other in pairs if mine["label"] == other["label"]]


def _table(
    rows: Sequence[tuple[Mapping[str, str], Mapping[str, str]]],
    columns: tuple[str, str],
    title: str,
    lang: str,
) -> str:
    figure = escape(translator(lang)("Chiffre"), False)
    head = "".join(f'<th scope="col">{escape(one, False)}</th>' for one in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(mine["label"], False)}</th>'
        f"{_cell(mine, other)}{_cell(other, mine)}</tr>"
        for mine, other in rows
    )
    return (
        f'<table class="eo-table eo-beside-table"><caption>{escape(title, False)}</caption>'
        f'<thead><tr><th scope="col">{figure}</th>{head}</tr></thead><tbody>{body}</tbody></table>'
    )


def _cell(row: Mapping[str, str], other: Mapping[str, str]) -> str:
    """A value with its interval, and its date where the two differ."""
    bounds = (
        f'<span class="eo-interval">{escape(row["interval"])}</span>' if row["interval"] else ""
    )
    differs = row["date"] and row["date"] != other["date"]
    date = f'<span class="eo-interval">{escape(row["date"])}</span>' if differs else ""
    return f'<td class="eo-number">{_breaking(row["value"])}{bounds}{date}</td>'


def _breaking(value: str) -> str:
    """A long unit may go to the line at its points, rather than anywhere."""
    return escape(value).replace("·", "·<wbr>")
