"""``eo-helpers lighting …``: the methods on one's own series."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import click

__all__ = ["group"]


@click.group("lighting")
def group() -> None:
    """Éclairage nocturne, sur vos propres séries. / Night lighting, on your own series."""


@group.command("detect")
@click.argument("series", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Réponse en JSON.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Fichier JSON à écrire.")
def detect(series: Path, as_json: bool, output: Path | None) -> None:
    """Date les changements d'éclairage dans des séries de radiance.

    SERIES est un CSV aux colonnes id, date, radiance (nW·cm⁻²·sr⁻¹) et, si vous les
    avez, std et nights. Une radiance vide est un mois sans mesure.
    """
    from .table import assess_table, read_table

    found = assess_table(read_table(series))
    rows = [{"id": name, **assessment.to_dict()} for name, assessment in found.items()]
    if output:
        _write(output, json.dumps(rows, ensure_ascii=False, indent=2, allow_nan=False) + "\n")
    elif as_json:
        from ..cli import emit

        emit(rows)
    else:
        _print(rows)


def _print(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        events = " ; ".join(
            f"{e['date']} ({e['date_low']} – {e['date_high']}) {e['change_percent']:+.0f} %"
            for e in row["events"]
        )
        click.echo(f"{row['id']}\t{row['practice']}\t{row['confidence']:.2f}\t{events}")


def _write(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
