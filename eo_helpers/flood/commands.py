"""``eo-helpers flood …``: the methods on one's own rasters."""

from __future__ import annotations

from pathlib import Path

import click

from ..terminal import emit, say

__all__ = ["group"]

_FILE = click.Path(path_type=Path)


@click.group("flood")
def group() -> None:
    """Inondation, sur vos propres images. / Flood, on your own images."""


@group.command("extent")
@click.option("--after", required=True, type=_FILE, help="Sentinel-1 pendant la crue (VV, VH).")
@click.option("--before", type=_FILE, help="Sentinel-1 avant la crue : écarte l'eau permanente.")
@click.option("--optical", type=_FILE, help="Sentinel-2 de la crue, ciel clair.")
@click.option("--dem", type=_FILE, help="Modèle de terrain : écarte les pentes et les hauteurs.")
@click.option("-o", "--output", required=True, type=_FILE, help="Masque GeoTIFF à écrire.")
@click.option("--probability", type=_FILE, help="Probabilité (0 à 1), GeoTIFF à écrire.")
def extent(
    after: Path,
    before: Path | None,
    optical: Path | None,
    dem: Path | None,
    output: Path,
    probability: Path | None,
) -> None:
    """Étendue de l'eau : 1 inondé, 0 sec, 255 non observable, sur la grille de --after.

    Décibels ou puissance linéaire sont reconnus, et dits. Sans --before, l'eau
    permanente ne se distingue pas de la crue : le masque est toute l'eau.
    """
    from . import files
    from .extent import water_extent

    for path in (output, probability):
        if path is not None:
            files.check_writable(path)
    with files.on_one_grid(after, before, optical, dem) as inputs:
        found = water_extent(
            inputs["after"],
            before=inputs["before"],
            optical=inputs["optical"],
            dem=inputs["dem"],
        )
    for note in found.attrs["notes"]:
        say(note["fr"], note["en"])
    tags = {
        "METHOD": found.attrs["method"],
        "UNITS_READ": found.attrs["unit"],
        "THRESHOLDS_DB": str(found.attrs["thresholds"]),
    }
    from ..text import percent
    from .sentences import CHANCE_SCALE, MASK_LEGEND

    files.write_raster(output, found["flood"], 255, tags)
    files.write_style(output, MASK_LEGEND)
    if probability is not None:
        files.write_raster(probability, found["probability"], float("nan"), tags)
        files.write_style(probability, CHANCE_SCALE)

    share = float(found.attrs["flooded_share"])
    say(
        f"{percent(100 * share, 1)} de la surface observée est en eau : {output}",
        f"{100 * share:.1f}% of the observed area is water: {output}",
    )


@group.command("depth")
@click.option("--extent", required=True, type=_FILE, help="Étendue d'eau : image ou polygones.")
@click.option("--dem", required=True, type=_FILE, help="Modèle de terrain nu, en mètres.")
@click.option("-o", "--output", required=True, type=_FILE, help="Hauteur d'eau, GeoTIFF à écrire.")
@click.option(
    "--method",
    type=click.Choice(["fwdet", "flexth"]),
    default="fwdet",
    show_default=True,
    help="Méthode : FwDET 2.1 ou FLEXTH.",
)
@click.option("--uncertainty", type=_FILE, help="Écart-type (m), GeoTIFF à écrire.")
@click.option("--surface", type=_FILE, help="Cote de l'eau (m), GeoTIFF à écrire.")
@click.option("--permanent-water", type=_FILE, help="Eau permanente : image (1) ou polygones.")
@click.option("--rise", type=float, help="Et si l'eau montait d'autant de mètres ?")
@click.option("--swot", type=_FILE, help="Cotes mesurées par SWOT (L2_HR_Raster ou RiverSP).")
@click.option(
    "--datum-offset", type=float, default=0.0,
    help="Mètres à ajouter aux cotes de SWOT (géoïde EGM2008) pour le zéro du terrain.",
)  # fmt: skip
@click.option("--extend", is_flag=True, help="Prolonge l'eau sous ce que l'image cache (255).")
def depth(
    extent: Path,
    dem: Path,
    output: Path,
    method: str,
    uncertainty: Path | None,
    surface: Path | None,
    permanent_water: Path | None,
    rise: float | None,
    swot: Path | None,
    datum_offset: float,
    extend: bool,
) -> None:
    """Hauteur d'eau au-dessus du sol (m), 0 où c'est sec, vide où l'on ne sait pas.

    L'étendue vaut 1 inondé, 0 sec, 255 non observable ; le résultat est sur la grille
    du terrain.
    """
    from . import files
    from .depth_files import depth_file
    from .sentences import DEPTH_SCALE

    found = depth_file(
        extent,
        dem,
        output,
        method,
        uncertainty=uncertainty,
        surface=surface,
        permanent_water=permanent_water,
        rise=rise,
        extend=extend,
        swot=swot,
        datum_offset=datum_offset,
    )
    files.write_style(output, DEPTH_SCALE)
    for fr, en in found.notes:
        say(fr, en)
    if found.wet_cells:
        say(
            f"{found.area_km2:.2f} km² en eau, hauteur médiane {found.median:.2f} m, "
            f"95 % sous {found.p95:.2f} m : ".replace(".", ",")
            + str(output),
            f"{found.area_km2:.2f} km² of water, median depth {found.median:.2f} m, "
            f"95% below {found.p95:.2f} m: {output}",
        )


@group.command("what-if")
@click.option("--extent", required=True, type=_FILE, help="Étendue d'eau : image ou polygones.")
@click.option("--dem", required=True, type=_FILE, help="Modèle de terrain nu, en mètres.")
@click.option("-o", "--output", required=True, type=_FILE, help="Montée qui atteint chaque point.")
@click.option(
    "--rise", "rises", type=float, multiple=True, default=(0.5, 1.0), show_default=True,
    help="Montée (m) dont la surface et la hauteur sont dites ; plusieurs fois.",
)  # fmt: skip
@click.option("--method", type=click.Choice(["fwdet", "flexth"]), default="fwdet",
              show_default=True, help="Méthode de la surface présente.")  # fmt: skip
@click.option("--permanent-water", type=_FILE, help="Eau permanente : image (1) ou polygones.")
@click.option("--json", "as_json", is_flag=True, help="Surfaces et hauteurs en JSON.")
def what_if(
    extent: Path,
    dem: Path,
    output: Path,
    rises: tuple[float, ...],
    method: str,
    permanent_water: Path | None,
    as_json: bool,
) -> None:
    """Et si l'eau montait ? La montée (m) qui atteint chaque point, 0 où l'eau est déjà.

    Seuls les points reliés à l'eau par un chemin submergé sont atteints. Aucun
    écoulement n'est calculé : ni volume, ni durée.
    """
    from .what_if import what_if_file

    found = what_if_file(extent, dem, output, rises, method, permanent_water)
    for fr, en in found.notes:
        say(fr, en)
    for one in found.levels:
        say(
            f"{one.rise:+.2f} m : {one.area_km2:.2f} km² en eau, hauteur médiane "
            f"{one.median:.2f} m".replace(".", ","),
            f"{one.rise:+.2f} m: {one.area_km2:.2f} km² of water, median depth {one.median:.2f} m",
        )
    if as_json:
        emit([
            {"rise_m": one.rise, "area_km2": one.area_km2, "depth_median_m": one.median,
             "depth_p95_m": one.p95}
            for one in found.levels
        ])  # fmt: skip


@group.command("reached")
@click.option("--depth", required=True, type=_FILE, help="Hauteur d'eau (m), GeoTIFF.")
@click.option("--uncertainty", type=_FILE, help="Son écart-type (m), GeoTIFF.")
@click.option("--buildings", type=_FILE, help="Bâtiments (BD TOPO), GeoPackage ou autre.")
@click.option("--roads", type=_FILE, help="Tronçons de route (BD TOPO), GeoPackage ou autre.")
@click.option("-o", "--output", required=True, type=_FILE, help="GeoPackage à écrire.")
@click.option("--json", "as_json", is_flag=True, help="Nombres par classe de hauteur, en JSON.")
def reached(
    depth: Path,
    uncertainty: Path | None,
    buildings: Path | None,
    roads: Path | None,
    output: Path,
    as_json: bool,
) -> None:
    """Bâtiments et routes atteints par l'eau, avec la hauteur qu'elle y a."""
    from .stakes_files import reached_file

    found = reached_file(depth, output, uncertainty, buildings, roads)
    for fr, en in found.notes:
        say(fr, en)
    if as_json:
        emit(found.counts)
