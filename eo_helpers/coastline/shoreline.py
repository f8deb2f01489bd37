"""The waterline of one satellite image: MNDWI, an automatic threshold, a sub-pixel contour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import InvalidInput
from .crs import check_coordinates, measuring_crs

__all__ = [
    "BUFFER",
    "Separation",
    "mndwi",
    "separate",
    "shoreline",
    "together",
]

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

#: Distance from a reference shoreline within which the shore is looked for, metres.
BUFFER = 150.0
#: Contours shorter than this are ponds, boats and rocks, metres.
SHORTEST = 200.0
#: Least share of the cells on each side of the threshold, and how well the sides are apart.
_LEAST_SHARE = 0.02
_LEAST_EXPLAINED = 0.6
_LEAST_APART = 0.25


@dataclass(frozen=True)
class Separation:
    """Otsu's threshold, the share of water, and how well both sides are told apart.

    ``explained`` is the share of the index's variance between the sides (0.64 for one
    normal class cut in two), ``apart`` the distance of their means.
    """

    threshold: float
    water: float
    explained: float
    apart: float


def mndwi(green: Floats, swir: Floats) -> Floats:
    """(green - swir) / (green + swir), -1 to 1.

    Notes
    -----
    Source: Xu (2006), International Journal of Remote Sensing 27, 3025-3033. Foam is bright in
    green and dark in the short-wave infrared: to this index it is water, as it should be.
    """
    # Negative reflectance over dark water is noise: it would send the ratio past 1.
    a, b = np.maximum(green, 1e-4), np.maximum(swir, 1e-4)
    return np.asarray((a - b) / (a + b), dtype=np.float32)


def separate(index: NDArray) -> Separation:
    """Threshold between land and water of the largest variance between classes.

    Notes
    -----
    Source: Otsu (1979), IEEE Transactions on Systems, Man and Cybernetics 9, 62-66.
    """
    from skimage.filters import threshold_otsu

    values = np.asarray(index, float)
    values = values[np.isfinite(values)]
    if values.size < 50 or np.ptp(values) < 1e-6:
        return Separation(np.nan, np.nan, 0.0, 0.0)
    low, high = np.percentile(values, (0.5, 99.5))
    inside = np.clip(values, low, high)
    cut = float(threshold_otsu(inside))
    wet = inside > cut
    share = float(wet.mean())
    if share in (0.0, 1.0):
        return Separation(cut, share, 0.0, 0.0)
    apart = float(inside[wet].mean() - inside[~wet].mean())
    explained = share * (1 - share) * apart**2 / float(inside.var())
    return Separation(cut, share, explained, apart)


def _near(image: xr.Dataset, reference: Any, buffer: float, crs: Any) -> tuple[Bools, Any]:
    """Cells near the reference shoreline, and the zone itself in ``crs``."""
    from rasterio.features import geometry_mask

    check_coordinates(reference, "Ligne de référence")
    zone = shapely.union_all(reference.to_crs(crs).geometry.values).buffer(buffer)
    there = gpd.GeoSeries([zone], crs=crs).to_crs(image.rio.crs)
    mask = geometry_mask(
        there, image["green"].shape, image.rio.transform(), all_touched=True, invert=True
    )
    if not mask.any():
        raise InvalidInput(
            "La ligne de référence ne se trouve pas dans l'image "
            f"« {image.attrs.get('name', '')} ».",
            f"The reference line does not lie within image '{image.attrs.get('name', '')}'.",
        )
    return mask, zone


def _contours(index: Floats, level: float, valid: Bools, transform: Affine) -> list[Any]:
    """Lines at ``level`` between valid cells, in the image's coordinates."""
    from skimage.measure import find_contours

    lines = []
    for rc in find_contours(index, level, mask=valid):
        if len(rc) < 2:
            continue
        col, row = rc[:, 1] + 0.5, rc[:, 0] + 0.5
        x = transform.c + transform.a * col + transform.b * row
        y = transform.f + transform.d * col + transform.e * row
        lines.append(shapely.LineString(np.column_stack([x, y])))
    return lines


def _water_edges(valid: Bools, near: Bools) -> Bools:
    """Valid cells two cells away from what hides the ground: half-clouded cells lie."""
    return ndimage.binary_erosion(valid, iterations=2, border_value=1) & near


def shoreline(
    image: xr.Dataset,
    *,
    reference: gpd.GeoDataFrame | None = None,
    buffer: float = BUFFER,
    shortest: float = SHORTEST,
    threshold: float | None = None,
    shift: tuple[float, float] = (0.0, 0.0),
) -> gpd.GeoDataFrame:
    """The line between land and sea at the instant of an image.

    Parameters
    ----------
    image : xarray.Dataset (y, x)
        ``green``, ``swir`` (reflectance), ``hidden`` (bool), ``nir`` if there
        (:func:`.bands.open_image`).
    reference : GeoDataFrame, optional
        A line near which the shore is: elsewhere no line is kept, and cells elsewhere do not
        weigh on the threshold.
    buffer : float
        How near, metres.
    shortest : float
        Shorter lines are left out, metres.
    threshold : float, optional
        MNDWI of the shore; automatic (Otsu) by default.
    shift : (east, north)
        Metres that are added to the line's coordinates (:func:`.alignment.image_shift`).

    Returns
    -------
    GeoDataFrame
        One row, in metres: ``date`` (ISO, or empty), ``threshold``, ``separation`` (share of
        the index's variance that land and water explain), ``hidden_share`` (of the cells looked
        at), ``length_m``, ``sigma_m`` (how far noise moves the contour), ``quality``
        (``good``, ``fair``, ``poor``), ``image``, and the line.

    Raises
    ------
    InvalidInput
        If everything is hidden, land and water are not told apart, or no line is left.

    Notes
    -----
    Model: CoastSat (Vos et al. 2019, Environmental Modelling & Software 122, 104528). The
    contour is by marching squares on the index itself, whose 20 m short-wave infrared sets how
    fine it can be. It is a waterline: with the tide, its place on the beach is another.
    """
    lit = gpd.GeoDataFrame(geometry=gpd.GeoSeries([shapely.box(*image.rio.bounds())]))
    lit = lit.set_crs(image.rio.crs)
    crs = measuring_crs(lit)
    near, zone = (np.ones(image["green"].shape, bool), None)
    if reference is not None:
        near, zone = _near(image, reference, buffer, crs)
    index = mndwi(image["green"].values, image["swir"].values)
    seen = ~image["hidden"].values & np.isfinite(index)
    share = 1 - float(seen[near].mean())
    name = image.attrs.get("name", "")
    if not (seen & near).any():
        raise InvalidInput(
            f"« {name} » : les nuages cachent tout le rivage ; prenez une autre date.",
            f"'{name}': clouds hide the whole shore; take another date.",
        )
    found = separate(index[seen & near & ~_foam(image)])
    enough = _LEAST_SHARE <= found.water <= 1 - _LEAST_SHARE
    if not enough or found.explained < _LEAST_EXPLAINED or found.apart < _LEAST_APART:
        raise InvalidInput(
            f"« {name} » : terre et mer ne se distinguent pas (pas de rivage dans l'image, ou "
            "voile nuageux) ; donnez --reference, ou une autre date.",
            f"'{name}': land and sea cannot be told apart (no shore in the image, or haze); give "
            "--reference, or another date.",
        )
    level = found.threshold if threshold is None else threshold
    usable = _water_edges(seen, near)
    filled = np.where(np.isfinite(index), index, level)
    lines = gpd.GeoSeries(
        _contours(filled, level, usable, image.rio.transform()), crs=image.rio.crs
    ).to_crs(crs)
    kept = np.asarray(lines.values)
    if zone is not None:
        kept = shapely.get_parts(shapely.intersection(kept, zone))
    kept = kept[(shapely.length(kept) >= shortest) & (shapely.get_type_id(kept) == 1)]
    if not len(kept):
        raise InvalidInput(
            f"« {name} » : aucune ligne de rivage d'au moins {shortest:g} m (nuages, ou image "
            "sans mer).",
            f"'{name}': no shoreline of at least {shortest:g} m (clouds, or no sea in the image).",
        )
    line = shapely.transform(shapely.multilinestrings(kept), lambda xy: xy + np.asarray(shift))
    sigma = _place_error(filled, level, usable, abs(image.rio.resolution()[0]), lit, crs)
    return gpd.GeoDataFrame(
        {
            "date": [image.attrs.get("date", "")],
            "threshold": [float(level)],
            "separation": [found.explained],
            "hidden_share": [share],
            "length_m": [float(line.length)],
            "sigma_m": [sigma],
            "quality": [_quality(found, share)],
            "image": [name],
        },
        geometry=[line],
        crs=crs,
    )


def _foam(image: xr.Dataset) -> Bools:
    """Breaking waves: bright to the near infrared, dark beyond; neither beach nor sea."""
    if "nir" not in image:
        return np.zeros(image["green"].shape, bool)
    green, nir, swir = (image[b].values for b in ("green", "nir", "swir"))
    return np.asarray((green > 0.12) & (nir > 0.10) & (swir < 0.6 * nir))


def _place_error(
    index: Floats, level: float, usable: Bools, cell: float, where: Any, crs: Any
) -> float:
    """Noise of the index over its slope across the shore: metres that the contour may move."""
    gy, gx = np.gradient(index)
    steep = np.hypot(gx, gy)
    wet = index > level
    edge = usable & (wet ^ ndimage.binary_erosion(wet))
    water = usable & ndimage.binary_erosion(wet, iterations=5)
    land = usable & ndimage.binary_erosion(~wet, iterations=5)
    if not edge.any() or not (water.any() or land.any()):
        return float("nan")
    # What differs from the neighbours is noise; the local mean takes the rest out.
    rough = index - ndimage.uniform_filter(index, 3)
    noise = [float(np.std(rough[m])) for m in (water, land) if m.sum() > 20]
    metres = cell
    if where.crs.is_geographic:
        box = where.to_crs(crs).total_bounds
        metres = cell * (box[2] - box[0]) / (where.total_bounds[2] - where.total_bounds[0])
    slope = float(np.median(steep[edge]))
    return float(np.mean(noise) / max(slope, 1e-6) * metres) if noise else float("nan")


def _quality(found: Separation, hidden_share: float) -> str:
    if found.explained >= 0.8 and hidden_share < 0.1:
        return "good"
    return "fair" if found.explained >= 0.65 and hidden_share < 0.4 else "poor"


def together(lines: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Shorelines of several images as one layer, in the first one's CRS, by date."""
    crs = lines[0].crs
    frame = pd.concat([line.to_crs(crs) for line in lines], ignore_index=True)
    return gpd.GeoDataFrame(frame, crs=crs).sort_values("date", kind="stable", ignore_index=True)
