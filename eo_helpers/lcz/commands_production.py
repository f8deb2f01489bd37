"""``eo-helpers lcz produce`` and ``lcz wudapt``: maps where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import InvalidInput
from ..terminal import emit, say

__all__ = ["produce", "wudapt"]

_PATH = click.Path(path_type=Path)


@click.command("produce")
@click.option("--bdtopo", type=_PATH, help="GeoPackage BD TOPO v3 : ses quatre couches.")
@click.option("--buildings", type=_PATH, help="Bâtiments (BD TOPO, OpenStreetMap).")
@click.option("--vegetation", type=_PATH, help="Zones de végétation.")
@click.option("--water", type=_PATH, help="Surfaces en eau.")
@click.option("--roads", type=_PATH, help="Tronçons de route : ils bordent les îlots.")
@click.option("--impervious", type=_PATH, help="Sols imperméables (sinon : estimés).")
@click.option("--bare", type=_PATH, help="Sols nus perméables.")
@click.option("--zone", type=_PATH, help="Contour de la commune (sinon : autour des bâtiments).")
@click.option("--crs", help="Système de coordonnées du résultat (sinon : l'officiel du lieu).")
@click.option(
    "--units",
    type=click.Choice(["auto", "blocks", "fabric", "grid"]),
    default="auto",
    show_default=True,
    help="Découpage : îlots entre routes, tissus bâtis, ou mailles.",
)
@click.option("--cell", type=float, default=100.0, show_default=True, help="Maille, m.")
@click.option("-o", "--output", required=True, type=_PATH, help=".gpkg, .geojson ou .parquet.")
@click.option("--json", "as_json", is_flag=True, help="Résumé en JSON.")
def produce(
    bdtopo: Path | None,
    zone: Path | None,
    crs: str | None,
    units: Any,
    cell: float,
    output: Path,
    as_json: bool,
    **paths: Path | None,
) -> None:
    """Produit une carte LCZ à partir des bâtiments et du sol (BD TOPO, OpenStreetMap).

    Deux règles, chacune dans ses colonnes : celle du Cerema (lcz, lcz_cerema) et les plages
    de Stewart et Oke (lcz_so). Leur désaccord dit où la carte est incertaine. Les hauteurs
    et les sols imperméables qui manquent sont estimés, et c'est dit.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    from .files import check_output, official_crs_at, read_layer, write_layer
    from .production.files import open_layers, zone_around
    from .production.produce import produce as method
    from .production.produce import summary
    from .thresholds import threshold_distance

    check_output(output)
    if crs is not None:
        try:
            CRS.from_user_input(crs)
        except CRSError as error:
            raise InvalidInput(
                f"« {crs} » n'est pas un système de coordonnées connu (exemple : EPSG:2154).",
                f"'{crs}' is not a known coordinate system (example: EPSG:2154).",
            ) from error
    layers = open_layers(paths, bdtopo)
    buildings = layers["buildings"]
    assert buildings is not None
    if zone is not None:
        place = read_layer(zone, ("commune", "zone"), "le contour de la commune")
    else:
        place = zone_around(buildings)
        say(
            "Sans contour (--zone), la carte couvre l'enveloppe des bâtiments et 50 m autour.",
            "Without a boundary (--zone) the map covers the hull of the buildings and 50 m.",
        )
    made = method(
        buildings,
        layers["vegetation"],
        layers["water"],
        place,
        layers["roads"],
        impervious=layers["impervious"],
        bare=layers["bare"],
        crs=crs or official_crs_at(place),
        units=units,
        cell_m=cell,
    )
    told = summary(made)
    near = threshold_distance(made)
    made["lcz"] = made["lcz_cerema"]
    for name in ("lcz_alternative", "threshold_distance"):
        made[name] = near[name]
    write_layer(made, output)
    if as_json:
        emit({"output": output.name, "crs": made.crs.to_string(), **told})
    _say_produced(told, output)


def _say_produced(told: dict[str, Any], output: Path) -> None:
    from ..text import number, percent
    from .production.produce import REASONS

    say(
        f"{told['units']} unités sur {number(told['area_ha'], 0)} ha : {output}",
        f"{told['units']} units over {number(told['area_ha'], 0, 'en')} ha: {output}",
    )
    for reason, count in told["unclassed"]["cerema_reason"].items():
        text = REASONS[reason]
        say(f"{count} unité(s) sans classe : {text['fr']}.", f"{count} unclassed: {text['en']}.")
    estimated = 100 - told["heights_percent"]["measured"] - told["heights_percent"]["storeys"]
    say(
        f"Hauteur estimée ou par défaut pour {percent(estimated, 0)} des bâtiments ; aucune "
        f"couche ne décrit {percent(told['estimated_percent'], 0)} du sol (part imperméable "
        "estimée).",
        f"Height estimated or by default for {percent(estimated, 0, 'en')} of the buildings; no "
        f"layer describes {percent(told['estimated_percent'], 0, 'en')} of the ground (sealed "
        "share estimated).",
    )
    say(
        "La règle du Cerema et celle de Stewart et Oke se contredisent sur "
        f"{percent(told['disagreement_percent'], 0)} de la surface ; la classe du Cerema reste "
        f"la même aux deux bornes du sol estimé sur {percent(told['sure_percent'], 0)}.",
        "Cerema's rule and Stewart & Oke's disagree on "
        f"{percent(told['disagreement_percent'], 0, 'en')} of the area; Cerema's class is the "
        f"same at both bounds of the estimated ground on {percent(told['sure_percent'], 0, 'en')}.",
    )
    for note in told["notes"]:
        say(note["fr"], note["en"])


@click.command("wudapt")
@click.argument("image", type=_PATH)
@click.argument("training", type=_PATH)
@click.option("--column", default="lcz", show_default=True, help="Colonne de la classe.")
@click.option("--cell", type=float, default=50.0, show_default=True, help="Pixel du résultat, m.")
@click.option(
    "--block",
    type=float,
    default=1000.0,
    show_default=True,
    help="Côté des blocs spatiaux tenus à part pour l'évaluation, m.",
)
@click.option("--repeats", type=click.IntRange(1), default=10, show_default=True)
@click.option("-o", "--output", required=True, type=_PATH, help="GeoTIFF à écrire (.tif).")
@click.option("--json", "as_json", is_flag=True, help="Évaluation en JSON.")
def wudapt(
    image: Path,
    training: Path,
    column: str,
    cell: float,
    block: float,
    repeats: int,
    output: Path,
    as_json: bool,
) -> None:
    """Produit une carte LCZ d'une IMAGE Sentinel-2 et de zones d'entraînement (WUDAPT).

    TRAINING a des polygones dont la classe est connue (1-10, A-G, 11-17 ou 101-107).
    L'évaluation tient à part des zones entières et leurs voisines (blocs spatiaux), dix fois ;
    un partage au hasard entre pixels, qui mesure la mémoire, n'est pas proposé.
    """
    from .files import check_output, read_layer
    from .production import accuracy
    from .production import wudapt as method
    from .production.files import open_image, write_classes

    check_output(output, (".tif", ".tiff"))
    picture = open_image(image)
    areas = read_layer(training, (), "une couche de zones d'entraînement")
    if picture.rio.crs.is_geographic:
        raise InvalidInput(
            f"{image.name} est en degrés : reprojetez-la en mètres (UTM ou système officiel).",
            f"{image.name} is in degrees: project it to metres (UTM or the official CRS).",
        )
    size = abs(float(picture.rio.resolution()[0]))
    stack = method.features(picture, cell=max(1, round(cell / size)))
    known = method.sample(stack, areas, column)
    quality = accuracy.evaluate(known, block_m=block, repeats=repeats)
    made = method.post_filter(method.predict(method.train(known), stack))
    write_classes(made, output)
    notes = [*known.notes, *quality.notes]
    if as_json:
        emit(_quality(quality, output.name, notes))
    _say_quality(quality, output, notes)


def _quality(quality: Any, output: str, notes: list[dict[str, str]]) -> dict[str, Any]:
    def plain(table: Any) -> dict[str, Any]:
        filled = table.astype(object).where(table.notna(), None)
        return {str(k): dict(row) for k, row in filled.to_dict(orient="index").items()}

    return {
        "output": output,
        "overall": plain(quality.overall),
        "by_class": plain(quality.by_class),
        "groups": quality.groups,
        "folds": quality.folds,
        "repeats": quality.repeats,
        "block_m": quality.block_m,
        "notes": notes,
    }


def _say_quality(quality: Any, output: Path, notes: list[dict[str, str]]) -> None:
    from ..text import number

    row = quality.overall.loc["OA"]
    share, low, high = (100 * float(row[k]) for k in ("value", "low", "high"))
    say(
        f"Exactitude là où la carte n'a pas appris : {number(share, 0)} % (entre "
        f"{number(low, 0)} et {number(high, 0)} %), kappa "
        f"{number(float(quality.overall.loc['kappa', 'value']), 2)}, sur {quality.groups} groupes "
        f"de zones : {output}",
        f"Accuracy where it was not trained: {share:.0f}% (between {low:.0f} and {high:.0f}%), "
        f"kappa {float(quality.overall.loc['kappa', 'value']):.2f}, over {quality.groups} groups "
        f"of areas: {output}",
    )
    for note in notes:
        say(note["fr"], note["en"])
