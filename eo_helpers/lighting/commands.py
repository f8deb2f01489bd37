"""``eo-helpers lighting …``: the methods on one's own series."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..errors import InvalidInput
from ..terminal import emit, progress, say

__all__ = ["group"]

_PATH = click.Path(path_type=Path)


@click.group("lighting")
def group() -> None:
    """Éclairage nocturne, sur vos propres séries. / Night lighting, on your own series."""


@group.command("detect")
@click.argument("series", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Réponse en JSON.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Fichier JSON à écrire.")
def detect(series: Path, as_json: bool, output: Path | None) -> None:
    """Date les changements d'éclairage dans des séries de radiance.

    SERIES est un CSV (ou le fichier écrit par « lighting series ») aux colonnes id, date,
    radiance (nW·cm⁻²·sr⁻¹) et, si vous les avez, std et nights, ou std_error ; outer (lumière
    reçue des alentours) permet de reconnaître une baisse qui vient des voisines. Une radiance
    vide est un mois sans mesure.
    """
    from .table import assess_table, read_table

    found = assess_table(read_table(series))
    rows = [{"id": name, **assessment.to_dict()} for name, assessment in found.items()]
    if output:
        _write(output, json.dumps(rows, ensure_ascii=False, indent=2, allow_nan=False) + "\n")
    elif as_json:
        emit(rows)
    else:
        _print(rows)


@group.command("series")
@click.option(
    "--tiles", required=True, type=_PATH, help="Dossier des tuiles (.h5) ou composites EOG (.tif)."
)
@click.option("--zones", required=True, type=_PATH, help="Polygones (GeoPackage, …).")
@click.option("-o", "--output", required=True, type=_PATH, help="Fichier Parquet (ou CSV).")
@click.option("--id", "column", default=None, help="Colonne qui nomme les zones.")
@click.option("--view", default="AllAngle", show_default=True, help="Ou NearNadir, OffNadir.")
@click.option("--least-share", default=0.5, show_default=True, help="Part à mesurer, au moins.")
@click.option("--strict", is_flag=True, help="Un fichier illisible arrête tout (sinon : un trou).")
def series(
    tiles: Path,
    zones: Path,
    output: Path,
    column: str | None,
    view: str,
    least_share: float,
    strict: bool,
) -> None:
    """Séries de radiance de zones quelconques : tuiles VNP46A3 (ou A4, A2), composites EOG.

    Le fichier écrit a une ligne par zone et par date : id, date, radiance, std_error,
    nuits, parts mesurées, outer (lumière reçue des alentours)… ; un mois sans mesure est vide.
    """
    from .eog_series import eog_series_of
    from .series import SUFFIXES, read_zones, series_of

    if not tiles.is_dir():
        raise InvalidInput(
            f"Le dossier de tuiles « {tiles} » n'existe pas.", f"There is no tile folder '{tiles}'."
        )
    geometries, names = read_zones(zones, column)
    paths = [p for p in tiles.rglob("*") if p.suffix.lower() in SUFFIXES]
    rasters = [p for p in tiles.rglob("*") if p.suffix.lower() in (".tif", ".tiff")]
    mode: Any = {"least_share": least_share, "broken": "raise" if strict else "gap"}
    if rasters and not paths:
        table, failed = eog_series_of(rasters, geometries, names, **mode)
    else:
        table, failed = series_of(paths, geometries, names, view=view, **mode)
    for sentence in failed:
        say(f"Fichier écarté : {sentence}", f"File left out: {sentence}")
    _replace(output, lambda part: _save(table, part, output.suffix.lower()))
    months = int(table["radiance"].isna().sum())
    say(
        f"{len(names)} zones, {table['date'].nunique()} dates, {months} valeurs manquantes.",
        f"{len(names)} zones, {table['date'].nunique()} dates, {months} values missing.",
    )


@group.command("download")
@click.argument("commune")
@click.option("--from", "first", required=True, help="Premier mois : 2014-01.")
@click.option("--to", "last", required=True, help="Dernier mois : 2024-12.")
@click.option("--folder", required=True, type=_PATH, help="Où mettre les fichiers.")
@click.option("--data", multiple=True, type=_PATH, help="Dossier du fichier de communes.")
def download_tiles(
    commune: str, first: str, last: str, folder: Path, data: tuple[Path, ...]
) -> None:
    """Télécharge les tuiles VNP46A3 d'une COMMUNE (jeton Earthdata dans EARTHDATA_TOKEN).

    Interrompue, la même commande reprend où elle s'est arrêtée.
    """
    import pandas as pd

    from .. import catalog
    from ..catalog.commands import open_source
    from .download import download, tiles_of

    try:
        months = [str(m) for m in pd.period_range(first, last, freq="M")]
    except ValueError as error:
        raise InvalidInput(
            f"« {first} » ou « {last} » n'est pas un mois : écrivez 2014-01.",
            f"'{first}' or '{last}' is no month: write 2014-01.",
        ) from error
    where = catalog.communes(open_source("files" if data else "online", data)).find(commune)
    found = download(months, tiles_of(where), folder, progress=progress())
    lacking = len(months) * len(tiles_of(where)) - len(found)
    say(
        f"{len(found)} fichiers ; {lacking} que l'archive n'a pas.",
        f"{len(found)} files; {lacking} that the archive does not hold.",
    )


def _save(table: Any, path: Path, suffix: str) -> None:
    if suffix == ".csv":
        table.to_csv(path, index=False, date_format="%Y-%m-%d")
    else:
        table.to_parquet(path, index=False)


def _print(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        events = " ; ".join(
            f"{e['date']} ({e['date_low']} – {e['date_high']}) {e['change_percent']:+.0f} %"
            for e in row["events"]
        )
        click.echo(f"{row['id']}\t{row['practice']}\t{row['confidence']:.2f}\t{events}")


def _write(path: Path, text: str) -> None:
    _replace(path, lambda part: part.write_text(text, encoding="utf-8"))


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    """Write beside ``path``, then move: nobody sees half a file."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InvalidInput(
            f"On ne peut pas écrire dans « {path.parent} ».", f"Cannot write to '{path.parent}'."
        ) from error
    os.close(handle)
    part = Path(name)
    try:
        write(part)
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
