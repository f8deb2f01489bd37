"""``eo-helpers flood …``: the methods on one's own rasters."""

from __future__ import annotations

from pathlib import Path

import click

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
    from ..cli import say
    from . import data
    from .extent import water_extent

    for path in (output, probability):
        if path is not None:
            data.check_writable(path)
    with data.opened(after, before, optical, dem) as inputs:
        found = water_extent(
            inputs["after"],
            before=inputs["before"],
            optical=inputs["optical"],
            dem=inputs["dem"],
        )
    for note in found.attrs["notes"]:
        say(note["fr"], note["en"])
    data.write_raster(output, found["flood"], nodata=255)
    if probability is not None:
        data.write_raster(probability, found["probability"], nodata=float("nan"))
    share = float(found.attrs["flooded_share"])
    say(
        f"{100 * share:.1f} % de la surface observée est en eau : {output}",
        f"{100 * share:.1f}% of the observed area is water: {output}",
    )
