"""Bands of Sentinel-2 and Landsat as reflectance, and what hides the ground."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..errors import InvalidInput

__all__ = ["hidden", "image_date", "open_image"]

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

_S2 = ("b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b8a", "b9", "b10", "b11", "b12")
#: Names of each band: common ones first, then those of Sentinel-2, of Landsat 8-9 and of 4-7.
_NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "sentinel2": {
        "blue": ("b2", "b02", "blue", "bleu"), "green": ("b3", "b03", "green", "vert"),
        "nir": ("b8", "b08", "nir", "nir08", "pir"), "swir": ("b11", "swir16", "swir1", "swir"),
        "scl": ("scl",), "qa": ("qa_pixel",), "cloud": ("cloud", "clouds", "nuages"),
    },
    "landsat8": {
        "blue": ("b2", "sr_b2", "blue", "bleu"), "green": ("b3", "sr_b3", "green", "vert"),
        "nir": ("b5", "sr_b5", "nir08", "nir"), "swir": ("b6", "sr_b6", "swir16", "swir1"),
        "qa": ("qa_pixel",), "cloud": ("cloud", "clouds", "nuages"),
    },
    "landsat5": {
        "blue": ("b1", "sr_b1", "blue", "bleu"), "green": ("b2", "sr_b2", "green", "vert"),
        "nir": ("b4", "sr_b4", "nir08", "nir"), "swir": ("b5", "sr_b5", "swir16", "swir1"),
        "qa": ("qa_pixel",), "cloud": ("cloud", "clouds", "nuages"),
    },
}  # fmt: skip
_DAY = re.compile(r"(?<!\d)(19\d\d|20\d\d)[-:_]?(\d\d)[-:_]?(\d\d)(?:[T ](\d\d):?(\d\d):?(\d\d)?)?")
#: Scene classes of Sen2Cor that hide the ground: no data, defective, shadow, clouds, cirrus.
_SCL = (0, 1, 3, 8, 9, 10)
#: Bits of Landsat's QA_PIXEL (collection 2): fill, dilated cloud, cirrus, cloud, cloud shadow.
_QA = (0, 1, 2, 3, 4)


def _sensor(tags: Mapping[str, str], name: str, bands: Sequence[str]) -> str:
    words = " ".join([*tags.values(), name]).upper()
    if re.search(r"LANDSAT[ _-]?[457]|L[TE]0?[457]_|\bL[57]\b", words):
        return "landsat5"
    if re.search(r"LANDSAT[ _-]?[89]|LC0?[89]_", words) or any("sr_b6" in b for b in bands):
        return "landsat8"
    return "sentinel2"


def image_date(tags: Mapping[str, str], name: str) -> str:
    """When an image was taken (ISO, UTC), from its metadata or its file's name; empty if untold."""
    lower = {k.lower(): v for k, v in tags.items()}
    keys = ("acquisition_datetime", "datetime", "tifftag_datetime", "acquisition_date",
            "date_acquired", "sensing_time")  # fmt: skip
    for text in (*(lower.get(k, "") for k in keys), name):
        found = _DAY.search(str(text))
        if found:
            year, month, day, *clock = found.groups(default="00")
            return f"{year}-{month}-{day}T{':'.join(clock)}Z"
    return ""


def open_image(path: Path) -> xr.Dataset:
    """Bands of one image that the shoreline needs, as reflectance.

    Parameters
    ----------
    path : Path
        A GeoTIFF whose bands are named (B3, B8, B11; green, nir, swir16; SR_B3 …), or
        Sentinel-2's thirteen in order.

    Returns
    -------
    xarray.Dataset (y, x)
        ``green, nir, swir`` (float32, 0-1, NaN: no data), ``blue`` if there, and ``hidden``
        (bool: cloud, shadow or no data); ``rio.crs``; ``attrs``: ``date`` (ISO or empty),
        ``sensor``, ``unit`` (how the numbers were read), ``clouds`` (how they were found),
        ``name``.

    Raises
    ------
    InvalidInput
        If the file cannot be read, says not where it lies, lacks a band, or is no reflectance.
    """
    import rasterio
    import rioxarray  # noqa: F401  (registers .rio)

    try:
        with rasterio.open(path) as file:
            names = [str(n or "").strip().lower() for n in file.descriptions]
            tags, crs, transform = file.tags(), file.crs, file.transform
            raw = file.read(masked=True)
    except rasterio.errors.RasterioIOError as error:
        raise InvalidInput(
            f"« {path} » ne peut pas être lu : le fichier manque, est tronqué ou n'est pas une "
            "image géographique.",
            f"'{path}' cannot be read: missing, cut short, or no geographic image.",
        ) from error
    if crs is None or transform.is_identity:
        raise InvalidInput(
            f"« {path.name} » n'a pas de système de coordonnées : on ne sait pas où se trouve "
            "l'image.",
            f"'{path.name}' has no CRS: there is no telling where it lies.",
        )
    if not any(names) and len(names) == len(_S2):
        names = list(_S2)
    sensor = _sensor(tags, path.name, names)
    bands: dict[str, Any] = {}
    for role, words in _NAMES[sensor].items():
        at = next((names.index(w) for w in words if w in names), None)
        if at is not None:
            bands[role] = raw[at]
    missing = [r for r in ("green", "nir", "swir") if r not in bands]
    if missing:
        raise InvalidInput(
            f"« {path.name} » : bande(s) {', '.join(missing)} introuvable(s) ; nommez les bandes "
            "(B3, B8, B11 pour Sentinel-2 ; SR_B3, SR_B5, SR_B6 pour Landsat 8).",
            f"'{path.name}': band(s) {', '.join(missing)} not found; name the bands (B3, B8, B11 "
            "for Sentinel-2; SR_B3, SR_B5, SR_B6 for Landsat 8).",
        )
    empty = np.ma.getmaskarray(bands["green"]) | np.ma.getmaskarray(bands["swir"])
    scale, offset, unit = _scale(bands, empty, tags, sensor, path.name)
    light: dict[str, Floats] = {
        str(role): np.where(
            empty, np.nan, bands[role].filled(0).astype(np.float32) * scale + offset
        )
        for role in ("blue", "green", "nir", "swir")
        if role in bands
    }
    veil, how = hidden(light, bands)
    height, width = empty.shape
    x = transform.c + transform.a * (np.arange(width) + 0.5)
    y = transform.f + transform.e * (np.arange(height) + 0.5)
    data = {k: (("y", "x"), v.astype(np.float32)) for k, v in light.items()}
    out = xr.Dataset(
        {**data, "hidden": (("y", "x"), veil | empty)},
        coords={"y": y, "x": x},
        attrs={"date": image_date(tags, path.name), "sensor": sensor, "unit": unit, "clouds": how,
               "name": path.name},
    )  # fmt: skip
    return out.rio.write_crs(crs).rio.write_transform(transform)


def _scale(
    bands: dict[str, Any], empty: Bools, tags: Mapping[str, str], sensor: str, name: str
) -> tuple[float, float, str]:
    """Factor and offset to reflectance, from what the numbers can only be."""
    sample = np.concatenate([np.asarray(bands[r])[~empty][::7] for r in ("green", "nir", "swir")])
    sample = sample[np.isfinite(sample)].astype(float)
    if not sample.size:
        raise InvalidInput(
            f"« {name} » ne contient aucune mesure.", f"'{name}' holds no measurement."
        )
    low, middle, high = np.percentile(sample, (0.5, 50, 99.5))
    if high < 2.5 and low > -0.3:
        return 1.0, 0.0, "reflectance 0-1"
    if sensor.startswith("landsat") and low > 5000:
        return 2.75e-5, -0.2, "Landsat collection 2 (x 0.0000275 - 0.2)"
    if high > 400 and low > -600 and high < 30_000:
        given = tags.get("BOA_ADD_OFFSET") or tags.get("boa_add_offset")
        shift = float(given) if given else (-1000.0 if low >= 990 else 0.0)
        return 1e-4, shift * 1e-4, f"reflectance x 10,000, offset {shift:g}"
    raise InvalidInput(
        f"« {name} » : les valeurs (médiane {middle:.3g}) ne sont pas des réflectances ; il faut "
        "0-1 ou 0-10 000, pas une image pour l'œil.",
        f"'{name}': values (median {middle:.3g}) are no reflectances; 0-1 or 0-10,000 is needed, "
        "not a picture.",
    )


def hidden(light: Mapping[str, Floats], bands: Mapping[str, Any]) -> tuple[Bools, str]:
    """Where clouds and their shadows hide the ground, and by what it was told.

    The producer's own classes (Sen2Cor's SCL, Landsat's QA_PIXEL, a ``cloud`` band) where they
    are there. Else what is bright, as bright in blue as in the short-wave infrared, and bright
    there too: sand is darker in blue, foam is dark in the infrared.
    """
    if "scl" in bands:
        return np.isin(np.asarray(bands["scl"]), _SCL), "SCL"
    if "qa" in bands:
        bits = sum(1 << b for b in _QA)
        return (np.asarray(bands["qa"]).astype(np.int64) & bits) != 0, "QA_PIXEL"
    if "cloud" in bands:
        return np.asarray(bands["cloud"]) > 0, "cloud band"
    if "blue" not in light:
        return np.zeros(light["green"].shape, bool), ""
    blue, swir = light["blue"], light["swir"]
    with np.errstate(invalid="ignore"):
        white = (blue > 0.22) & (swir > 0.15) & (blue > 0.75 * swir)
    from scipy import ndimage

    # The edge of a cloud is thin: three cells around belong to it.
    white = ndimage.binary_opening(white, iterations=1)
    return ndimage.binary_dilation(white, iterations=3), "brightness"
