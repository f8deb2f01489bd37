"""``eo-helpers national …``: a theme for every commune of a source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..terminal import emit, progress, say

__all__ = ["group"]

_PATH = click.Path(path_type=Path)


@click.group("national", no_args_is_help=True)
def group() -> None:
    """Un thème pour toutes les communes. / A theme for every commune.

    Thèmes : lighting, lcz, coastline. Les communes sont traitées par paquets, sur les cœurs de
    cette machine ou sur un ordonnanceur Dask (--scheduler). Interrompue, la même commande
    reprend où elle s'est arrêtée et donne le même résultat.

    La sortie est un dossier (un GeoParquet par département, une collection STAC, un
    dictionnaire des colonnes, des sommes de contrôle) ou un seul fichier .parquet.

    Pas de calcul national pour flood, vegetation et desealing : ils partent d'images et de
    terrains à 1-10 m, propres à un lieu et à une date (une crue, une prise de vue). Faites-les
    commune par commune avec « eo-helpers analyse ».
    """


def _shared(command: Any) -> Any:
    """Options that every national run has."""
    for option in reversed(
        (
            click.option("-o", "--output", required=True, type=_PATH,
                         help="Dossier à écrire, ou fichier .parquet."),
            click.option("--source", type=click.Choice(["demo", "files"]), default=None,
                         help="demo ou files."),
            click.option("--data", multiple=True, type=_PATH,
                         help="Dossier de vos données (répétable)."),
            click.option("--workers", type=click.IntRange(min=0), default=None,
                         help="Processus (par défaut : un par cœur)."),
            click.option("--memory", default=None, help="Mémoire d'un processus, « 2GB »."),
            click.option("--patience", type=click.FloatRange(min=0.1), default=30,
                         show_default=True, callback=lambda context, option, value: 60 * value,
                         help="Minutes sans aucun paquet fini : ceux en cours sont refaits."),
            click.option("--scheduler", default=None, help="Adresse d'un ordonnanceur Dask."),
            click.option("--keep-going", is_flag=True,
                         help="Écrire le résultat sans ce qui échoue."),
            click.option("--json", "as_json", is_flag=True, help="Bilan en JSON."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def _tell(summary: dict[str, Any], as_json: bool, lines: Any) -> None:
    """The balance of a run: what was left out and failed, then the theme's own lines."""
    for sentence in summary["left_out"]:
        say(f"Fichier écarté : {sentence}", f"File left out: {sentence}")
    for failure in summary["failed"]:
        say(
            f"En échec, laissé de côté : {failure['what']} ({failure['why']})",
            f"Failed, left out: {failure['what']} ({failure['why']})",
        )
    if as_json:
        emit(summary)
        return
    for line in lines:
        click.echo(line)


@group.command("lighting")
@_shared
@click.option("--view", default="AllAngle", show_default=True, help="Ou NearNadir, OffNadir.")
@click.option("--least-share", default=0.5, show_default=True, help="Part à mesurer, au moins.")
def lighting(
    output: Path,
    source: str | None,
    data: tuple[Path, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Pratiques d'éclairage de toutes les communes de la source."""
    from ..catalog.commands import open_source
    from .lighting import run

    place: Any = open_source(source, data)
    summary = run(place, output, progress=progress(), **options)
    _tell(summary, as_json, (f"{n:>6}  {p}" for p, n in summary["practices"].items()))


def _chunked(
    theme: Any, options: dict[str, Any], output: Path, source: str | None,
    data: tuple[Path, ...], where: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    from ..catalog.commands import open_source
    from .chunks import run

    place: Any = open_source(source, data)
    return run(theme, place, output, options=options, progress=progress(), **where)


@group.command("lcz")
@_shared
def lcz(
    output: Path,
    source: str | None,
    data: tuple[Path, ...],
    as_json: bool,
    **where: Any,
) -> None:
    """Part de chaque zone climatique locale, pour toutes les communes de la source.

    Une carte nationale en un fichier (« eo-helpers data import lcz ») se lit bien plus vite que
    des archives.
    """
    from .lcz import THEME

    summary = _chunked(THEME, {}, output, source, data, where)
    whole = summary["mapped_km2"]
    areas = sorted(summary["country_km2"].items(), key=lambda pair: -pair[1])
    lines = (
        f"{100 * km2 / whole:6.2f} %  {name.removeprefix('lcz_').upper()}"
        for name, km2 in areas
        if km2 and name.startswith("lcz_")
    )
    _tell(summary, as_json, [f"{summary['communes']} communes, {whole:.0f} km²", *lines])


@group.command("coastline")
@_shared
@click.option("--sigma-old", default=None, type=float, help="Erreur de la ligne ancienne, m (5).")
def coastline(
    output: Path,
    source: str | None,
    data: tuple[Path, ...],
    as_json: bool,
    sigma_old: float | None,
    **where: Any,
) -> None:
    """Recul et avancée de la côte, pour toutes les communes littorales de la source.

    D'après l'indicateur national de l'érosion côtière. Chaque part dit son dénominateur : la
    côte mesurée, ou toute la côte de l'indicateur.
    """
    from .coastline import DEFAULTS, THEME

    options = DEFAULTS | ({} if sigma_old is None else {"sigma_old": sigma_old})
    summary = _chunked(THEME, options, output, source, data, where)
    country = summary["country"]
    published = summary["published"]["negative_percent_all"]
    missing = country["structure_km"] + country["not_measured_km"]
    lines = [
        f"{summary['communes']} communes littorales ; {country['coast_km']:.1f} km de côte, dont "
        f"{country['measured_km']:.1f} km mesurés",
        f"{country['retreat_km']:8.1f} km en recul perceptible : "
        f"{country.get('retreat_percent_measured', 0):.1f} % de la côte mesurée, "
        f"{country['retreat_percent_all']:.1f} % de toute la côte",
        f"{country['retreat_km_high']:8.1f} km en recul, perceptible ou non : "
        f"{country['negative_percent_all']:.1f} % de toute la côte"
        + ("" if summary["demonstration"] else f" (publié par le Cerema : environ {published} %)"),
        f"{missing:8.1f} km sans vitesse",
    ]
    _tell(summary, as_json, lines)


@group.command("lighting-map")
@click.argument("table", type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="Carte : .png, .svg ou .pdf.")
@click.option("--counts", "csv", type=_PATH, help="CSV des communes par département et pratique.")
@click.option("--json", "as_json", is_flag=True, help="Bilan en JSON.")
def lighting_map(table: Path, output: Path, csv: Path | None, as_json: bool) -> None:
    """Carte nationale des pratiques d'éclairage, d'après la TABLE de « national lighting »."""
    import json

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
    fictional = bool(communes["demonstration"].any())  # nothing to hold against real figures
    for row in told.to_dict("records"):
        known = row["share"] == row["share"]
        there = row["published"] == row["published"] and not fictional
        share = f"{row['share']:5.1f} %" if known else "      –"
        published = f"  (publié : {row['published']:.0f} %)" if there else ""
        click.echo(f"{row['communes']:>6}  {share}  {row['practice']}{published}")
    say(f"Écrit : {output}", f"Written: {output}")
