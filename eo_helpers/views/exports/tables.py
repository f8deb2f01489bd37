"""Figures as CSV: a row an indicator, units in a column, each column said in the dictionary."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...findings import Chart, Finding, Series
from ...text import Text
from ..words import say
from .fields import FIELDS, field_words

__all__ = ["COLUMNS", "chart_csv", "dictionary_csv", "indicator_rows", "write_csv"]

_OF_LAYERS: Text = {"fr": "couches :", "en": "layers:"}

#: Columns of the table of figures, and what each of them holds.
COLUMNS: dict[str, Text] = {
    "insee": {"fr": "Code INSEE de la commune (texte)", "en": "INSEE code of the commune (text)"},
    "commune": {"fr": "Nom de la commune", "en": "Name of the commune"},
    "theme": {"fr": "Identifiant du thème", "en": "Identifier of the theme"},
    "nom": {"fr": "Identifiant stable du chiffre", "en": "Stable identifier of the figure"},
    "libelle": {"fr": "Ce que dit le chiffre", "en": "What the figure says"},
    "valeur": {"fr": "Valeur, dans l'unité de la ligne", "en": "Value, in the unit of the row"},
    "unite": {"fr": "Unité ; vide pour un mot", "en": "Unit; empty for a word"},
    "borne_basse": {
        "fr": "Borne basse de l'intervalle (95 % sauf mention contraire) ; vide si inconnue",
        "en": "Lower bound of the interval (95 % unless said otherwise); empty if unknown",
    },
    "borne_haute": {"fr": "Borne haute du même intervalle", "en": "Upper bound of it"},
    "date": {
        "fr": "Date ou période de la mesure (ISO 8601)",
        "en": "Date or period of the measurement (ISO 8601)",
    },
    "source": {"fr": "Identifiant du jeu de données", "en": "Identifier of the data set"},
    "demonstration": {
        "fr": "1 si les données sont fictives",
        "en": "1 if the data are fictional",
    },
}  # fmt: skip


def indicator_rows(
    findings: Sequence[Finding], lang: str, rounded: bool = False
) -> list[list[Any]]:
    """The figures of all findings, in the order of :data:`COLUMNS`."""
    return [
        [
            finding.commune.insee,
            finding.commune.name,
            finding.theme,
            told["name"],
            say(indicator.label, lang),
            _as_asked(told["value"], indicator.digits, rounded),
            told["unit"],
            _as_asked(told["low"], indicator.digits, rounded),
            _as_asked(told["high"], indicator.digits, rounded),
            told["date"],
            told["source"],
            int(finding.demonstration),
        ]
        for finding in findings
        for indicator, told in ((one, one.to_dict()) for one in finding.indicators)
    ]


def _as_asked(value: Any, digits: int, rounded: bool) -> Any:
    """Rounded: three decimals more than the page shows, not the fifteen of the computer."""
    return round(value, digits + 3) if rounded and isinstance(value, float) else value


def write_csv(findings: Sequence[Finding], path: Path, lang: str) -> None:
    """Figures, semicolons between them, UTF-8 with the mark that Excel needs.

    Decimals as the language writes them: a French spreadsheet reads « 5.8 » as the 5th of August.
    """
    rows = [list(COLUMNS), *indicator_rows(findings, lang, rounded=True)]
    path.write_text(_text(rows, lang), encoding="utf-8-sig", newline="")


def dictionary_csv(lang: str) -> str:
    """What each column holds: of the figures, then of the layers."""
    head = ["colonne", "description"]
    figures = {name: say(about, lang) for name, about in COLUMNS.items()}
    layers = {f"{say(_OF_LAYERS, lang)} {n}": w for n, w in field_words(FIELDS, lang).items()}
    return _text([head, *map(list, (figures | layers).items())], lang)


def chart_csv(chart: Chart, lang: str) -> str:
    """A chart's data: names of columns, then a line of units and words, then the rows."""
    data = chart.data
    words = dict.fromkeys(data.columns, "")
    if isinstance(chart, Series):
        words["date"] = "ISO 8601"
        for line in chart.lines:
            for name in (line.column, line.low, line.high):
                if name:
                    words[name] = f"{say(line.label, lang)} [{chart.unit}]"
    else:
        words |= {name: chart.unit for name in ("value", "low", "high") if name in words}
    rows = [list(data.columns), [words[name] for name in data.columns]]
    return _text([*rows, *data.astype(object).where(data.notna(), None).values.tolist()], lang)


def _text(rows: list[Any], lang: str) -> str:
    stream = io.StringIO()
    told = [[_cell(value, lang) for value in row] for row in rows]
    csv.writer(stream, delimiter=";", lineterminator="\r\n").writerows(told)
    return stream.getvalue()


def _cell(value: Any, lang: str) -> Any:
    return (
        repr(float(value)).replace(".", ",") if isinstance(value, float) and lang == "fr" else value
    )
