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


@group.command("lighting-map")
@click.argument("table", type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="Carte : .png, .svg ou .pdf.")
@click.option("--counts", "csv", type=_PATH, help="CSV des communes par département et pratique.")
@click.option("--json", "as_json", is_flag=True, help="Bilan en JSON.")
def lighting_map(table: Path, output: Path, csv: Path | None, as_json: bool) -> None:
    """Carte nationale des pratiques d'éclairage, d'après la TABLE de « national lighting »."""
    import json

    from ..cli import emit, say
    from ..errors import InvalidInput
    from . import lighting_map as maps

    if output.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise InvalidInput(
            f"La carte s'écrit en .png, .svg ou .pdf, pas en « {output.suffix} ».",
            f"The map is written as .png, .svg or .pdf, not '{output.suffix}'.",
        )
    communes = maps.read(table)
    for path, write in (
        (output, lambda part: maps.draw(communes, part)),
        (csv, lambda part: maps.counts(communes, "departement").to_csv(part, index=False)),
    ):
        if path is not None:
            part = path.with_name(f".part-{path.name}")
            try:
                write(part)
                part.replace(path)
            except OSError as error:
                raise InvalidInput(
                    f"On ne peut pas écrire {path} ({error.strerror}).",
                    f"Cannot write {path} ({error.strerror}).",
                ) from error
            finally:
                part.unlink(missing_ok=True)
    told = maps.counts(communes)
    if as_json:
        emit(json.loads(told.to_json(orient="records")))
        return
    for row in told.to_dict("records"):
        known, there = row["share"] == row["share"], row["published"] == row["published"]
        share = f"{row['share']:5.1f} %" if known else "      –"
        published = f"  (publié : {row['published']:.0f} %)" if there else ""
        click.echo(f"{row['communes']:>6}  {share}  {row['practice']}{published}")
    say(f"Écrit : {output}", f"Written: {output}")
