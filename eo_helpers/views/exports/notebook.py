"""A notebook, parameters filled in, that finds the same figures again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...findings import Finding, theme
from ..words import colon, say, word

__all__ = ["notebook_of", "write_notebook"]

_FOLDERS = {
    "fr": "# Le dossier de vos données : remplacez-le par le vôtre.",
    "en": "# The folder of your data: put your own.",
}
_ABOUT = {
    "fr": "Ce carnet refait le calcul de la page, avec les mêmes réglages. Exécutez toutes les "
    "cellules ; changez ensuite les paramètres de la première.",
    "en": "This notebook computes the page again, with the same settings. Run all cells, then "
    "change the parameters in the first one.",
}
_FIGURES = {
    "fr": "Les chiffres sont dans `resultat.indicators`, les couches dans `resultat.layers` "
    "(GeoDataFrame ou DataArray, avec leur CRS), les séries dans `resultat.charts`.",
    "en": "Figures are in `resultat.indicators`, layers in `resultat.layers` (GeoDataFrame or "
    "DataArray, with their CRS), series in `resultat.charts`.",
}


def notebook_of(
    findings: Sequence[Finding], lang: str = "fr", data: Sequence[str] = ()
) -> dict[str, Any]:
    """The notebook as nbformat 4 JSON; it runs where ``eo_helpers`` is installed.

    Parameters
    ----------
    findings : sequence of Finding
        Of one commune.
    lang : {"fr", "en"}
    data : sequence of str
        Folders to read, where the findings come from files.
    """
    first = findings[0]
    sources = {p.source for finding in findings for p in finding.provenance}
    kind = next(iter(sources)) if len(sources) == 1 else ("files" if sources else "demo")
    folders = list(data) or ["mes_donnees"]
    parameters = [f"COMMUNE = {first.commune.insee!r}  # {first.commune.name}"]
    if kind == "files":
        parameters += [_FOLDERS[lang], f"SOURCE, DOSSIERS = 'files', {folders!r}"]
    else:
        parameters.append(f"SOURCE, DOSSIERS = {kind!r}, None")
    for finding in findings:
        parameters.append(f"PARAMETRES_{finding.theme.upper()} = {finding.parameters!r}")
    cells = [
        _text("titre", f"# {first.commune.name}\n\n{_ABOUT[lang]}"),
        _code("parametres", "\n".join(parameters), ["parameters"]),
        _code("source", "import eo_helpers as eo\n\nsource = eo.source(SOURCE, DOSSIERS)"),
    ]
    for finding in findings:
        name = finding.theme
        title = say(theme(name).title, lang)
        mark = f" ({word('demo_short', lang)})" if finding.demonstration else ""
        cells += [
            _text(f"{name}-titre", f"## {title}{mark}\n\n{say(finding.headline, lang)}"),
            _code(
                name,
                f"resultat = eo.analyse({name!r}, COMMUNE, source, "
                f"**PARAMETRES_{name.upper()})\neo.show(resultat, {lang!r})",
            ),
            _code(
                f"{name}-chiffres",
                "{i.name: (i.value, i.unit, i.low, i.high) for i in resultat.indicators}",
            ),
        ]
    cells.append(_text("suite", f"{word('remedy', lang)}{colon(lang)}{_FIGURES[lang]}"))
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def write_notebook(
    findings: Sequence[Finding], path: Path, lang: str, data: Sequence[str] = ()
) -> None:
    """Write :func:`notebook_of`."""
    told = json.dumps(notebook_of(findings, lang, data), ensure_ascii=False, indent=1)
    path.write_text(told + "\n", encoding="utf-8")


def _text(identifier: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": identifier, "metadata": {}, "source": text}


def _code(identifier: str, text: str, tags: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": identifier,
        "metadata": {"tags": list(tags)} if tags else {},
        "execution_count": None,
        "outputs": [],
        "source": text,
    }
