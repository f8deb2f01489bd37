"""``eo-helpers vegetation …``: the methods on one's own images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import InvalidInput
from ..terminal import emit, say

__all__ = ["group"]

_FILE = click.Path(path_type=Path)


@click.group("vegetation")
def group() -> None:
    """Végétation, sur vos propres images. / Vegetation, on your own images."""


def _inputs(command: Any) -> Any:
    for option in (
        click.option("--image", required=True, type=_FILE,
                     help="Rouge et proche infrarouge : Sentinel-2, BD ORTHO IRC …"),
        click.option("--height", type=_FILE, help="Hauteurs au-dessus du sol (MNH), mètres."),
        click.option("--surface", type=_FILE, help="À défaut de MNH : modèle de surface."),
        click.option("--terrain", type=_FILE, help="Avec --surface : modèle de terrain."),
        click.option("--buildings", type=_FILE, help="Bâtiments : un toit n'est pas végétal."),
        click.option("--shrub-from", type=float, default=1.5, show_default=True,
                     help="Hauteur (m) dès laquelle la strate est arbustive."),
        click.option("--tree-from", type=float, default=5.0, show_default=True,
                     help="Hauteur (m) dès laquelle la strate est arborée."),
        click.option("--ndvi", type=float,
                     help="NDVI dès lequel le sol est végétal (0,35 ; cherché dans une photo)."),
    ):  # fmt: skip
        command = option(command)
    return command


def _made(
    image: Path, height: Path | None, surface: Path | None, terrain: Path | None,
    buildings: Path | None, shrub_from: float, tree_from: float, ndvi: float | None,
) -> Any:  # fmt: skip
    from dataclasses import replace

    from .produce import COARSE_STD, LIDAR_STD, strata_of_files
    from .strata import Limits

    if height is not None and (surface is not None or terrain is not None):
        raise InvalidInput(
            "Donnez --height, ou --surface avec --terrain, pas les deux.",
            "Give --height, or --surface with --terrain, not both.",
        )
    if (surface is None) != (terrain is None):
        raise InvalidInput(
            "--surface et --terrain vont ensemble : la hauteur est leur différence.",
            "--surface and --terrain go together: height is their difference.",
        )
    limits = Limits(shrub_from, tree_from, height_std=LIDAR_STD if height else COARSE_STD)
    if ndvi is not None:
        limits = replace(limits, ndvi=ndvi)
    made = strata_of_files(
        image, height or surface, limits, terrain=terrain, seek_ndvi=ndvi is None,
        buildings=_table(buildings),
    )  # fmt: skip
    for note in made.notes:
        say(note["fr"], note["en"])
    return made


def _table(path: Path | None) -> Any:
    """Polygons of a file, or None."""
    if path is None:
        return None
    import pyogrio

    try:
        table = pyogrio.read_dataframe(path)
    except pyogrio.errors.DataSourceError as error:
        raise InvalidInput(
            f"« {path} » ne peut pas être lu : le fichier manque ou n'est pas une couche.",
            f"'{path}' cannot be read: missing, or no layer.",
        ) from error
    if table.crs is None:
        raise InvalidInput(
            f"« {path} » n'a pas de système de coordonnées : ajoutez le .prj.",
            f"'{path}' has no CRS: add its .prj.",
        )
    return table


@group.command("strata")
@_inputs
@click.option("-o", "--output", required=True, type=_FILE, help="Strates, GeoTIFF à écrire.")
@click.option("--confidence", type=_FILE, help="Probabilité de la strate, GeoTIFF à écrire.")
@click.option("--json", "as_json", is_flag=True, help="Surfaces par strate, en JSON.")
def strata_command(output: Path, confidence: Path | None, as_json: bool, **inputs: Any) -> None:
    """Strates : 0 aucune, 1 herbacée, 2 arbustive, 3 arborée, 4 de hauteur inconnue, 255 rien.

    Sur la grille de l'image. Réflectances 0-1, 0-10 000, décalage de -1000 et photographies
    sur 8 bits sont reconnus, et dits ; des bandes inversées ou des hauteurs en centimètres
    sont refusées.
    """
    from .write import check_output, write_raster

    for path in (output, confidence):
        if path is not None:
            check_output(path, (".tif", ".tiff"))
    made = _made(**inputs)
    tags = {k.upper(): str(v) for k, v in made.strata.attrs.items() if v != ""}
    write_raster(output, made.strata["stratum"], 255, tags)
    if confidence is not None:
        write_raster(confidence, made.strata["confidence"], float("nan"), tags)
    value = made.strata["stratum"].values
    known = max(int((value != 255).sum()), 1)
    share = {n: float((value == k).sum() / known) for k, n in enumerate(_STRATA)}
    say(
        ", ".join(f"{n} {100 * s:.1f} %".replace(".", ",") for n, s in share.items()),
        ", ".join(f"{n} {100 * s:.1f}%" for n, s in share.items()),
    )
    if as_json:
        emit({"share": share, "unknown_cells": int((value == 255).sum()),
              "limits": {k: v for k, v in made.strata.attrs.items() if k != "date"}})  # fmt: skip


_STRATA = ("aucune", "herbacee", "arbustive", "arboree", "vegetation_sans_hauteur")


@group.command("forms")
@_inputs
@click.option("--roads", type=_FILE, help="Routes (BD TOPO) : bords de voirie.")
@click.option("--water", type=_FILE, help="Plans et cours d'eau : bords d'eau.")
@click.option("--parcels", type=_FILE, help="RPG : distingue prairies et cultures.")
@click.option("--winter", type=_FILE, help="Image d'hiver : persistants et caducs.")
@click.option("-o", "--output", required=True, type=_FILE, help="Formes, .gpkg à écrire.")
def forms_command(
    roads: Path | None, water: Path | None, parcels: Path | None, winter: Path | None,
    output: Path, **inputs: Any,
) -> None:  # fmt: skip
    """Formes de Green Urban Sat en polygones, colonnes de confiance remplies.

    Il faut des cellules de 2 m ou moins : LiDAR HD MNH et BD ORTHO IRC.
    """
    from rasterio.enums import Resampling

    from .forms import forms
    from .gus import read_parcels
    from .landscape import Context
    from .produce import read_index
    from .write import check_output, write_layer

    check_output(output, (".gpkg",))
    if inputs["height"] is None and inputs["surface"] is None:
        raise InvalidInput(
            "Les formes demandent des hauteurs : --height, ou --surface et --terrain.",
            "Forms need heights: --height, or --surface and --terrain.",
        )
    made = _made(**inputs)
    context = Context(
        _table(inputs["buildings"]), _table(roads), _table(water),
        read_parcels([parcels]) if parcels is not None else None,
    )  # fmt: skip
    leaves = None
    if winter is not None:
        index, _ = read_index(winter)
        leaves = index["ndvi"].rio.reproject_match(made.height, resampling=Resampling.bilinear)
    found = forms(
        made.strata, made.height, context, winter_ndvi=leaves, height_std=made.limits.height_std
    )
    if found.empty:
        raise InvalidInput(
            "Aucune végétation trouvée : vérifiez l'image et le seuil de NDVI.",
            "No vegetation found: check the image and the NDVI threshold.",
        )
    write_layer(output, found, "formes_vegetales")
    count = found["fv"].value_counts()
    say(
        f"{len(found)} formes ({', '.join(f'{n} {f}' for f, n in count.items())}) : {output}",
        f"{len(found)} forms ({', '.join(f'{n} {f}' for f, n in count.items())}): {output}",
    )


@group.command("index")
@click.option("--image", required=True, type=_FILE, help="Sentinel-2 ou autre, bandes nommées.")
@click.option("--name", required=True, help="NDVI, EVI, SAVI, NDMI, NDBI … (liste Awesome).")
@click.option("--constant", multiple=True, metavar="L=0.5", help="Constante de la formule.")
@click.option("-o", "--output", required=True, type=_FILE, help="Indice, GeoTIFF à écrire.")
@click.option("--uncertainty", type=_FILE, help="Écart type de l'indice, GeoTIFF à écrire.")
def index_command(
    image: Path, name: str, constant: tuple[str, ...], output: Path, uncertainty: Path | None
) -> None:
    """Un indice spectral de la liste Awesome Spectral Indices (spyndex), et son écart type."""
    from .produce import read_bands
    from .reflectance import SWIR
    from .spectral import spectral_index
    from .write import check_output, write_raster

    for path in (output, uncertainty):
        if path is not None:
            check_output(path, (".tif", ".tiff"))
    given: dict[str, float] = {}
    for one in constant:
        symbol, _, text = one.partition("=")
        try:
            given[symbol.strip()] = float(text.replace(",", "."))
        except ValueError:
            raise InvalidInput(
                f"Constante « {one} » : écrivez SYMBOLE=nombre, par exemple L=0.5.",
                f"Constant '{one}': write SYMBOL=number, such as L=0.5.",
            ) from None
    bands, roles, scale, _ = read_bands(image, more=SWIR)
    say(f"{image.name} : {scale.word['fr']}.", f"{image.name}: {scale.word['en']}.")
    if not scale.calibrated:
        raise InvalidInput(
            "Une photographie n'est pas étalonnée : un indice n'y a de sens que par rapport à "
            "elle-même ; donnez une image en réflectance.",
            "A picture is not calibrated: give an image in reflectance.",
        )
    found = spectral_index(name, {r: bands[k] for k, r in enumerate(roles)}, scale.noise, given)
    tags = {k.upper(): str(v) for k, v in found.attrs.items() if v}
    for path, key in ((output, "index"), (uncertainty, "std")):
        if path is not None:
            one_band = found[key].rio.write_crs(bands.rio.crs)
            one_band = one_band.rio.write_transform(bands.rio.transform())
            write_raster(path, one_band, float("nan"), tags)
    say(
        f"{found.attrs['name']} = {found.attrs['formula']} : {output}",
        f"{found.attrs['name']} = {found.attrs['formula']}: {output}",
    )
