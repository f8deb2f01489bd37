"""``eo-helpers national …``: a theme for every commune of a source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["group"]

_PATH = click.Path(path_type=Path)


@click.group("national")
def group() -> None:
    """Un thème pour toutes les communes. / A theme for every commune."""


@group.command("lighting")
@click.option("-o", "--output", required=True, type=_PATH, help="GeoParquet à écrire.")
@click.option("--source", type=click.Choice(["demo", "files"]), default=None, help="demo ou files.")
@click.option("--data", multiple=True, type=_PATH, help="Dossier de vos données (répétable).")
@click.option("--view", default="AllAngle", show_default=True, help="Ou NearNadir, OffNadir.")
@click.option("--least-share", default=0.5, show_default=True, help="Part à mesurer, au moins.")
@click.option("--workers", type=int, default=None, help="Processus (par défaut : un par cœur).")
@click.option("--scheduler", default=None, help="Adresse d'un ordonnanceur Dask.")
@click.option("--json", "as_json", is_flag=True, help="Bilan en JSON.")
def lighting(
    output: Path,
    source: str | None,
    data: tuple[Path, ...],
    view: str,
    least_share: float,
    workers: int | None,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Pratiques d'éclairage de toutes les communes de la source.

    Interrompue, la même commande reprend où elle s'est arrêtée et donne le même fichier.
    """
    from ..cli import _open_source, _progress, emit, say
    from .lighting import run

    place: Any = _open_source(source, data)
    summary = run(
        place, output, view=view, least_share=least_share, workers=workers, scheduler=scheduler,
        progress=_progress(),
    )  # fmt: skip
    for sentence in summary["left_out"]:
        say(f"Fichier écarté : {sentence}", f"File left out: {sentence}")
    if as_json:
        emit(summary)
    else:
        for practice, count in summary["practices"].items():
            click.echo(f"{count:>6}  {practice}")
