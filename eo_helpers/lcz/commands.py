"""``eo-helpers lcz …``: the methods on one's own files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from ..errors import InvalidInput

__all__ = ["group"]

_DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON", ".parquet": None}


@click.group("lcz")
def group() -> None:
    """Climat local (LCZ), sur vos propres fichiers. / Local climate, on your own files."""


@group.command("classify")
@click.argument("blocks", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Fichier à écrire : .gpkg, .geojson ou .parquet.",
)
def classify(blocks: Path, output: Path) -> None:
    """Classe des blocs par la règle du Cerema, avec la distance au seuil le plus proche.

    BLOCKS a les huit indicateurs du Cerema : hre, are, bur, ror, bsr, war, ver, vhr.
    Colonnes ajoutées : lcz, lcz_alternative, threshold_distance (sans unité : 1 = une
    échelle, soit 5 points de couverture, 2 m, 100 m² ou 10 points d'arbres), threshold,
    threshold_change et unclassed. Une colonne lcz déjà là est gardée sous lcz_input.
    """
    from ..cli import say
    from .formats import check_indicators
    from .rule import UNCLASSED, blocks_of
    from .rule import classify as apply_rule
    from .thresholds import threshold_distance

    _writable(output)
    table = _read(blocks)
    blocks_of(table, blocks.name)  # names a missing column before anything else is said of the file
    plain = table.drop(columns=table.geometry.name)
    check_indicators(plain.rename(columns=lambda name: str(name).lower()), blocks.name)
    result = threshold_distance(plain)
    result["unclassed"] = apply_rule(plain)["unclassed"]
    # GeoPackage tells columns apart without regard to case.
    taken = {str(c).lower(): c for c in table.columns}
    kept = {taken[c]: f"{c}_input" for c in result.columns if c in taken}
    out = table.rename(columns=kept).join(result)
    _write(out, output)

    n = len(out)
    told = result["unclassed"].value_counts()
    for reason, count in told.items():
        text = UNCLASSED[str(reason)]
        say(f"{count} bloc(s) sans classe : {text['fr']}.", f"{count} unclassed: {text['en']}.")
    near = int((result["threshold_distance"] < 1).sum())
    say(
        f"{n - int(told.sum())} blocs classés sur {n}, dont {near} proches d'un seuil "
        f"(distance sous 1) : {output}",
        f"{n - int(told.sum())} of {n} blocks classed, {near} near a threshold "
        f"(distance under 1): {output}",
    )
    if "lcz" in taken:
        _say_agreement(out[kept[taken["lcz"]]], result["lcz"])


def _say_agreement(before: Any, after: Any) -> None:
    from ..cli import say
    from .schema import normalise_codes

    known = normalise_codes(before, "any")
    same = [a == b for a, b in zip(known, after, strict=True) if isinstance(a, str)]
    if same:
        say(
            f"La règle redonne la classe d'entrée de {sum(same)} blocs sur {len(same)}.",
            f"The rule gives the input class of {sum(same)} of {len(same)} blocks.",
        )


@group.command("compare")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Réponse en JSON.")
@click.option("--crs", help="Système de coordonnées de la mesure (sinon : l'officiel).")
def compare(a: Path, b: Path, as_json: bool, crs: str | None) -> None:
    """Compare deux cartes LCZ : accord, kappa et matrice de confusion en hectares.

    A et B sont des fichiers vecteur (colonne lcz, LCZ_PRIMARY ou lcz_int) ou raster
    (codes 1 à 17). Dès qu'un raster est là, on compare aux centres de ses pixels.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    from ..cli import emit
    from ..text import number, percent
    from . import compare as method
    from .data import open_map

    if crs is not None:
        try:
            CRS.from_user_input(crs)
        except CRSError as error:
            raise InvalidInput(
                f"« {crs} » n'est pas un système de coordonnées connu (exemple : EPSG:2154).",
                f"'{crs}' is not a known coordinate system (example: EPSG:2154).",
            ) from error
    found = method.compare_maps(open_map(a), open_map(b), crs)
    if as_json:
        emit({"a": a.name, "b": b.name, **found.to_dict()})
        return
    click.echo(
        f"Accord : {percent(100 * found.agreement, 1)} de {number(found.area_ha, 1)} ha "
        f"communs ; kappa {number(found.kappa, 2)}."
    )
    click.echo(f"Lignes : {a.name} ; colonnes : {b.name} ; hectares.")
    click.echo(found.matrix.round(1).to_string())


def _read(path: Path) -> Any:
    import geopandas
    import pyogrio

    if not path.exists():
        raise InvalidInput(f"Le fichier {path} n'existe pas.", f"File {path} does not exist.")
    try:
        if path.suffix.lower() == ".parquet":
            table = geopandas.read_parquet(path)
        elif path.suffix.lower() == ".zip":
            from ..catalog import archive

            table = pyogrio.read_dataframe(archive.shapefile_in(path), encoding="ISO-8859-1")
        else:
            table = pyogrio.read_dataframe(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise InvalidInput(
            f"{path.name} ne se lit pas comme une couche de polygones : {error}.",
            f"{path.name} cannot be read as a polygon layer: {error}.",
        ) from error
    if not isinstance(table, geopandas.GeoDataFrame) or table.crs is None:
        raise InvalidInput(
            f"{path.name} n'a pas de géométrie avec un système de coordonnées : il faut une "
            "couche de polygones (un .prj manque peut-être).",
            f"{path.name} has no geometry with a CRS: a polygon layer is needed.",
        )
    return table


def _writable(path: Path) -> None:
    """Say what is wrong with the output before any work is done."""
    if path.suffix.lower() not in _DRIVERS:
        raise InvalidInput(
            f"« {path.name} » : écrivez un fichier {', '.join(_DRIVERS)}.",
            f"'{path.name}': write one of {', '.join(_DRIVERS)}.",
        )
    if not path.parent.is_dir():
        raise InvalidInput(
            f"Le dossier {path.parent} n'existe pas.", f"Folder {path.parent} does not exist."
        )


def _write(frame: Any, path: Path) -> None:
    """Write beside, then move: a stopped run leaves no half-written file."""
    driver = _DRIVERS[path.suffix.lower()]
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".eo-") as folder:
        part = Path(folder) / path.name
        if driver is None:
            frame.to_parquet(part)
        else:
            frame.to_file(part, driver=driver)
        part.replace(path)
