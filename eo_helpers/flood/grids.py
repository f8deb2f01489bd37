"""Extent and terrain on one grid, checked once: what the depth methods may rely on."""

from __future__ import annotations

import numpy as np
import rioxarray  # noqa: F401  (the .rio accessor)
import xarray as xr
from numpy.typing import NDArray
from rasterio.enums import Resampling

from ..errors import InvalidInput
from .edges import DRY, FLOODED, HIDDEN, PERMANENT

__all__ = ["Notes", "align", "cell_size", "check_heights", "codes_of", "plane", "vertical_note"]

#: What the reader of a result should know: (French, English) sentences.
Notes = list[tuple[str, str]]
#: Below every ground of the Earth: values that stand for « no data ».
_FILL = -600.0
#: Above every ground of the Earth, in metres.
_HIGHEST = 8900.0
_FEET = ("ft", "feet", "foot", "us-ft", "survey foot", "pied")
#: Code of an aligned extent where it says nothing.
OUTSIDE_CODE = 254


def plane(values: xr.DataArray, what: tuple[str, str]) -> xr.DataArray:
    """One band (y, x) with a CRS, or one sentence about what is missing."""
    if "band" in values.dims and values.sizes["band"] == 1:
        values = values.squeeze("band", drop=True)
    if values.ndim != 2 or 0 in values.shape:
        raise InvalidInput(
            f"{what[0]} doit avoir une seule bande, deux dimensions : il en a la forme "
            f"{values.shape}.",
            f"{what[1]} must have a single band of two dimensions: its shape is {values.shape}.",
        )
    if values.rio.crs is None:
        raise InvalidInput(
            f"{what[0]} n'a pas de système de coordonnées : on ne sait pas où il est ; "
            "donnez-lui le sien (gdal_edit -a_srs EPSG:2154, par exemple).",
            f"{what[1]} has no coordinate reference system: there is no telling where it is; "
            "give it its own (gdal_edit -a_srs EPSG:2154, for instance).",
        )
    return values


def check_heights(dem: xr.DataArray, notes: Notes) -> NDArray[np.float32]:
    """Heights (y, x) float32 in metres, NaN where unknown; says what it had to set aside."""
    dem = plane(dem, ("Le relief", "The terrain"))
    declared(dem)
    values, fill = metres(dem.values, dem.rio.nodata)
    if not np.isfinite(values).any():
        raise InvalidInput(*EMPTY)
    if fill:
        notes.append(filled(fill))
    return values


EMPTY = (
    "Le relief ne contient aucune hauteur connue : toutes ses cellules sont vides.",
    "The terrain holds no known height: all its cells are empty.",
)


def filled(count: int) -> tuple[str, str]:
    """What is said of voids that the DEM does not declare."""
    return (
        f"{count} cellules du relief valent moins de {_FILL:.0f} m : prises pour des vides.",
        f"{count} cells of the terrain are below {_FILL:.0f} m: taken for voids.",
    )


def declared(dem: xr.DataArray) -> None:
    """Refuse a DEM that says it is in feet."""
    said = " ".join(
        str(dem.attrs.get(key, "")) for key in ("units", "UNITS", "unit", "VERTICAL_UNITS")
    ).lower()
    if any(word in said.replace(",", " ").split() for word in _FEET):
        raise InvalidInput(
            "Le relief est en pieds : convertissez-le en mètres (multipliez par 0,3048).",
            "The terrain is in feet: convert it to metres (multiply by 0.3048).",
        )


def metres(values: NDArray, nodata: float | None) -> tuple[NDArray[np.float32], int]:
    """Heights with voids as NaN, and how many voids the DEM did not declare."""
    values = np.asarray(values, dtype=np.float32)
    bad = ~np.isfinite(values)
    if nodata is not None and np.isfinite(nodata):
        bad |= values == np.float32(nodata)
    low = ~bad & (values < _FILL)
    bad |= low
    out = np.where(bad, np.float32(np.nan), values)
    highest = float(np.max(out, where=~bad, initial=-np.inf))
    if highest > _HIGHEST:
        raise InvalidInput(
            f"Le relief monte à {highest:.0f} m, plus haut que toute montagne : il n'est pas "
            "en mètres (pieds ou centimètres ?) ; convertissez-le.",
            f"The terrain rises to {highest:.0f} m, above any mountain: it is not in metres "
            "(feet or centimetres?); convert it.",
        )
    return out, int(low.sum())


def cell_size(dem: xr.DataArray, notes: Notes) -> float:
    """Side of a cell in metres (geometric mean), whatever the unit of the CRS."""
    dx, dy = (abs(r) for r in dem.rio.resolution())
    crs = dem.rio.crs
    if crs.is_geographic:
        middle = float(np.mean(dem[dem.rio.y_dim]))
        notes.append(
            (
                "Le relief est en degrés : pentes et distances sont prises à sa latitude "
                f"moyenne ({middle:.2f}°).".replace(".", ",", 1),
                "The terrain is in degrees: slopes and distances are taken at its mean latitude "
                f"({middle:.2f}°).",
            )
        )
        metre = 111_320.0
        return float(np.sqrt(dx * dy * np.cos(np.radians(middle))) * metre)
    return float(np.sqrt(dx * dy) * crs.linear_units_factor[1])


def vertical_note(dem: xr.DataArray, notes: Notes) -> str:
    """The DEM's vertical datum, or "" with a note."""
    for key in ("VERTICAL_DATUM", "vertical_datum"):
        if dem.attrs.get(key):
            return str(dem.attrs[key])
    wkt = dem.rio.crs.to_wkt()
    if "VERT_CS" in wkt or "VERTCRS" in wkt:
        from pyproj import CRS

        parts = [p for p in CRS.from_wkt(wkt).sub_crs_list if p.is_vertical]
        if parts:
            return str(parts[0].name)
    notes.append(
        (
            "Le relief ne dit pas à quel zéro il compte ses hauteurs : la hauteur d'eau au-dessus "
            "du sol n'en dépend pas, mais la cote de l'eau ne se compare pas à une autre.",
            "The terrain does not say what datum its heights count from: the depth above ground "
            "does not depend on it, but the water level cannot be compared with another.",
        )
    )
    return ""


def align(extent: xr.DataArray, dem: xr.DataArray) -> NDArray[np.uint8]:
    """An extent's codes on the DEM's grid, by nearest neighbour; 254 where it says nothing."""
    extent = plane(extent, ("L'étendue d'eau", "The extent"))
    on_own = _codes(extent)
    same = (
        on_own.shape == dem.shape
        and extent.rio.crs == dem.rio.crs
        and np.allclose(extent.rio.transform(), dem.rio.transform(), rtol=0, atol=1e-6)
    )
    if same:
        return on_own.values
    out = on_own.rio.reproject_match(dem, resampling=Resampling.nearest, nodata=OUTSIDE_CODE)
    values = out.values.astype(np.uint8)
    if (on_own.values == FLOODED).any() and not (values == FLOODED).any():
        raise InvalidInput(*OUTSIDE)
    return values


OUTSIDE = (
    "L'étendue d'eau est tout entière hors du relief : vérifiez que les deux fichiers "
    "couvrent le même lieu et que leurs systèmes de coordonnées sont les leurs.",
    "The extent lies wholly outside the terrain: check that both files cover the same "
    "place and that their coordinate reference systems are their own.",
)


def _codes(extent: xr.DataArray) -> xr.DataArray:
    """Values of an extent as codes: 1, 0 (also no data), 255 (also -1)."""
    codes = coded(extent.values, extent.rio.nodata, extent.rio.encoded_nodata)
    out = xr.DataArray(codes, dims=extent.dims, coords=extent.coords)
    out = out.rio.set_spatial_dims(extent.rio.x_dim, extent.rio.y_dim)
    return out.rio.write_crs(extent.rio.crs).rio.write_transform(extent.rio.transform())


def coded(values: NDArray, nodata: float | None, masked: float | None = None) -> NDArray[np.uint8]:
    """Values of an extent as codes; ``masked`` is the no data that NaN stands for."""
    if values.dtype.kind == "b":
        codes = values.astype(np.uint8)
    else:
        empty = HIDDEN if masked in (255, -1) else DRY
        codes = np.full(values.shape, DRY, np.uint8)
        codes[values == FLOODED] = FLOODED
        codes[(values == 255) | (values == -1)] = HIDDEN
        known = (values == 0) | (values == 1) | (values == 255) | (values == -1)
        if values.dtype.kind == "f":
            void = np.isnan(values)
            codes[void] = empty
            known |= void
        if nodata is not None and np.isfinite(nodata):
            known |= values == nodata
        if not known.all():
            odd = float(values[~known].ravel()[0])
            raise InvalidInput(
                f"L'étendue d'eau contient la valeur {odd:g} : elle doit valoir 1 (inondé), "
                "0 (sec) ou 255 (non observable).",
                f"The extent holds the value {odd:g}: it must be 1 (flooded), 0 (dry) or 255 "
                "(not observable).",
            )
    return codes


def codes_of(
    extent: NDArray[np.uint8], permanent: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Codes of :mod:`.edges` from aligned extents: what an extent does not cover is hidden."""
    codes = np.where(extent == OUTSIDE_CODE, np.uint8(HIDDEN), extent)
    if permanent is not None:
        codes[(permanent == FLOODED) & (codes != FLOODED)] = PERMANENT
    return codes
