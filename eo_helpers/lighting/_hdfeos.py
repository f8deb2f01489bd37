"""One HDF-EOS5 tile of Black Marble: what it is, where it lies, what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from ..catalog.guarded import once
from ..errors import InvalidInput, reading

__all__ = ["GAP_FILLED", "PERIODS", "POOR", "VIEWS", "Period", "Tile", "open_tile"]

Period = Literal["month", "year", "day"]
#: Products of Suomi-NPP (VNP), NOAA-20 (VJ1) and NOAA-21 (VJ2), by what they are of.
_LEVELS: dict[str, Period] = {"A2": "day", "A3": "month", "A4": "year"}
PERIODS: dict[str, Period] = {
    f"{platform}46{level}": period
    for platform in ("VNP", "VJ1", "VJ2")
    for level, period in _LEVELS.items()
}
#: Views that the composites have: all angles, near nadir (0-20°), off nadir (40-60°).
VIEWS = ("AllAngle", "NearNadir", "OffNadir")
#: ``_Quality`` of a cell filled from history: not a measurement of that month.
GAP_FILLED = 2
#: ``_Quality`` of a cell made of few observations: kept, and counted.
POOR = 1
_DAILY = "DNB_BRDF-Corrected_NTL"
_UNITS = {"month": "M", "year": "Y", "day": "D"}
_GRIDS = "HDFEOS/GRIDS"
_DEGREES = 10.0


@dataclass(frozen=True)
class Tile:
    """An open tile: position of its first cell on the world grid, date, product.

    ``date`` is a day, a month or a year as ``period`` says. ``row`` and
    ``col`` count cells of ``cell`` degrees from 90° N and 180° W.
    """

    path: Path
    product: str
    period: Period
    date: np.datetime64
    produced: str
    row: int
    col: int
    shape: tuple[int, int]
    cell: float
    fields: h5py.Group

    def read(self, name: str, part: Any, fill: float | None = None) -> NDArray[np.float64]:
        """Part of a field in physical units, NaN where it holds its fill value.

        ``scale_factor``, ``add_offset`` (or ``offset``) and ``_FillValue`` come from
        the attributes; a whole-number field without scale is taken as it is.
        """
        if name not in self.fields:
            raise InvalidInput(
                f"« {self.path.name} » n'a pas le champ « {name} » : ce n'est pas un fichier "
                "VNP46A3 complet. Téléchargez-le à nouveau.",
                f"'{self.path.name}' has no field '{name}': it is not a whole VNP46A3 file. "
                "Download it again.",
            )
        try:
            dataset = self.fields[name]
            raw = dataset[part]
        except (OSError, RuntimeError, LookupError, TypeError, ValueError) as error:
            raise _cut_short(self.path) from error
        with reading(self.path):
            return self._physical(raw, dataset.attrs, fill)

    def _physical(self, raw: Any, attrs: Any, fill: float | None) -> NDArray[np.float64]:
        value = raw.astype(np.float64)
        empty = _number(attrs, "_FillValue", fill)
        gone = ~np.isfinite(value)
        if empty is not None:
            gone |= raw == np.asarray(empty).astype(raw.dtype)
        scale = _number(attrs, "scale_factor", 1.0)
        offset = _number(attrs, "add_offset", _number(attrs, "offset", 0.0))
        value = value * scale + offset
        value[gone] = np.nan
        return value

    @property
    def rank(self) -> tuple[bool, str, str]:
        """Of two files of one date and tile the greater counts: S-NPP, then the latest made."""
        return self.product.startswith("VNP"), self.produced, self.path.name

    def cells(self, part: Any, view: str = "AllAngle") -> dict[str, NDArray[Any]]:
        """What was measured in part of the tile.

        ``radiance`` and ``std`` in nW·cm⁻²·sr⁻¹ (NaN where nothing was measured),
        ``nights``, ``quality`` (0 good, 1 few observations, 2 no measurement of this date,
        255 none).

        Notes
        -----
        Composites: gap-filled cells (quality 2) are no measurement. Daily files: only
        ``DNB_BRDF-Corrected_NTL`` is read, never the gap-filled field; doubtful cells
        (mandatory quality 2: cloud, outlier) and snow are no measurement; there is no ``std``.
        """
        if self.period == "day":
            radiance = self.read(_DAILY, part)
            flag = self.read("Mandatory_Quality_Flag", part, fill=255)
            snow = self.read("Snow_Flag", part, fill=255) == 1
            quality = np.where(np.isfinite(flag), np.where((flag >= 2) | snow, GAP_FILLED, 0), 255)
            std = np.full(radiance.shape, np.nan)
            nights = np.ones(radiance.shape)
        else:
            field = f"{view}_Composite_Snow_Free"
            radiance = self.read(field, part)
            flag = self.read(f"{field}_Quality", part, fill=255)
            quality = np.where(np.isfinite(flag), flag, 255)
            std = self.read(f"{field}_Std", part)
            nights = np.nan_to_num(self.read(f"{field}_Num", part))
        measured = np.isfinite(radiance) & (quality <= POOR)
        return {
            "radiance": np.where(measured, radiance, np.nan).astype(np.float32),
            "std": np.where(measured, std, np.nan).astype(np.float32),
            "nights": np.where(measured, nights, 0).astype(np.float32),
            "quality": quality.astype(np.uint8),
        }


@contextmanager
def open_tile(path: Path) -> Iterator[Tile]:
    """Open a tile (daily, monthly or yearly) and check that it is one.

    Raises
    ------
    InvalidInput
        If the file is cut short, no HDF5, another product, or lacks grid, date or position; or
        if it defeats the HDF5 library (see :mod:`eo_helpers.catalog.guarded`).
    """
    once(path)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise _cut_short(path) from error
    with file:
        try:
            tile = _describe(path, file)
        except (OSError, RuntimeError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise _cut_short(path) from error
        yield tile


def _describe(path: Path, file: h5py.File) -> Tile:
    grids = file.get(_GRIDS)
    if not isinstance(grids, h5py.Group) or not len(grids):
        raise InvalidInput(
            f"« {path.name} » est un fichier HDF5, mais sans la grille HDF-EOS « {_GRIDS} » : "
            "attendu un fichier Black Marble de la NASA (VNP46A3).",
            f"'{path.name}' is an HDF5 file without the HDF-EOS grid '{_GRIDS}': "
            "a Black Marble file of NASA (VNP46A3) is expected.",
        )
    grid = grids[next(iter(grids))]
    fields = grid.get("Data Fields") if isinstance(grid, h5py.Group) else None
    attrs = _attributes(file, grid)
    product = _product(path, attrs, fields)
    period = PERIODS.get(product)
    wanted = _DAILY if period == "day" else "AllAngle_Composite_Snow_Free"
    if period is None or fields is None or wanted not in fields:
        raise InvalidInput(
            f"« {path.name} » est du produit {product or 'inconnu'}, pas une tuile Black Marble "
            "lisible (VNP46A2, VNP46A3 ou VNP46A4) : téléchargez VNP46A3 (collection 002).",
            f"'{path.name}' is of product {product or 'unknown'}, not a readable Black Marble "
            "tile (VNP46A2, VNP46A3 or VNP46A4): download VNP46A3 (collection 002).",
        )
    shape = fields[wanted].shape
    if len(shape) != 2 or shape[0] != shape[1]:
        raise InvalidInput(
            f"« {path.name} » : la grille {shape} n'est pas une tuile carrée de 10°.",
            f"'{path.name}': the grid {shape} is not a square tile of 10°.",
        )
    cell = _DEGREES / shape[0]
    west, north = _corner(path, file, attrs, fields)
    return Tile(
        path=path,
        product=product,
        period=period,
        date=_day(path, attrs, file).astype(f"datetime64[{_UNITS[period]}]"),
        produced=str(attrs.get("ProductionTime", attrs.get("ProductionDateTime", ""))),
        row=round((90 - north) / cell),
        col=round((west + 180) / cell),
        shape=(shape[0], shape[1]),
        cell=cell,
        fields=fields,
    )


def _attributes(file: h5py.File, grid: Any) -> dict[str, Any]:
    """Attributes of the file, of its ADDITIONAL group and of the grid, as plain values."""
    out: dict[str, Any] = {}
    for holder in (grid, file.get("HDFEOS/ADDITIONAL/FILE_ATTRIBUTES"), file):
        if holder is None:
            continue
        for name, value in holder.attrs.items():
            if isinstance(value, np.ndarray) and value.size == 1:
                value = value.ravel()[0]
            out[name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return out


def _product(path: Path, attrs: dict[str, Any], fields: Any) -> str:
    name = str(attrs.get("ShortName", "")).strip().upper()
    if not name:
        match = re.match(r"(V(?:NP|J1|J2)46A\d)", path.name, re.IGNORECASE)
        name = match.group(1).upper() if match else ""
    if not name and fields is not None and "DNB_BRDF-Corrected_NTL" in fields:
        name = "VNP46A2"
    return name


def _day(path: Path, attrs: dict[str, Any], file: h5py.File) -> np.datetime64:
    """First day that the file is of."""
    for key in ("RangeBeginningDate", "StartTime", "RangeBeginningDateTime", "AcquisitionDate"):
        day = _iso(str(attrs.get(key, "")))
        if day is not None:
            return day
    core = _metadata(file, "CoreMetadata.0")
    match = re.search(r'RANGEBEGINNINGDATE\b.*?VALUE\s*=\s*"([-\d]+)', core, re.DOTALL)
    day = _iso(match.group(1)) if match else None
    if day is not None:
        return day
    match = re.search(r"\.A(\d{4})(\d{3})\.", path.name)
    if match and 1 <= int(match.group(2)) <= 366:
        return np.datetime64(match.group(1), "D") + int(match.group(2)) - 1
    raise InvalidInput(
        f"« {path.name} » ne dit pas de quelle date il est (ni métadonnées, ni nom de fichier).",
        f"'{path.name}' does not say which date it is of (neither metadata nor file name).",
    )


def _iso(text: str) -> np.datetime64 | None:
    match = re.match(r"\s*(\d{4})-(\d{2})(?:-(\d{2}))?", text)
    try:
        return np.datetime64("-".join((*match.groups("01"),)), "D") if match else None
    except ValueError:
        return None


def _corner(
    path: Path, file: h5py.File, attrs: dict[str, Any], fields: h5py.Group
) -> tuple[float, float]:
    """Longitude and latitude of the upper-left corner, degrees."""
    match = re.search(
        r"UpperLeftPointMtrs\s*=\s*\(\s*([-+\d.eE]+)\s*,\s*([-+\d.eE]+)",
        _metadata(file, "StructMetadata.0"),
    )
    if match:
        west, north = (_packed(float(v)) for v in match.groups())
        if -180 <= west < 180 and -90 < north <= 90:
            return west, north
    if "lon" in fields and "lat" in fields and fields["lon"].ndim == 1:
        lon, lat = fields["lon"][:2], fields["lat"][:2]
        # The arrays hold cell centres in some editions and upper-left corners in others:
        # tiles begin at multiples of ten degrees.
        return _DEGREES * np.floor(lon[0] / _DEGREES + 1e-6), _DEGREES * np.ceil(
            lat[0] / _DEGREES - 1e-6
        )
    for west_key, north_key in (("WestBoundingCoord", "NorthBoundingCoord"),):
        if west_key in attrs and north_key in attrs:
            return float(attrs[west_key]), float(attrs[north_key])
    tile = re.search(r"\.h(\d{2})v(\d{2})\.", path.name)
    h = attrs.get("HorizontalTileNumber", tile.group(1) if tile else None)
    v = attrs.get("VerticalTileNumber", tile.group(2) if tile else None)
    if h is not None and v is not None:
        return -180 + _DEGREES * int(h), 90 - _DEGREES * int(v)
    raise InvalidInput(
        f"« {path.name} » ne dit pas où se trouve sa tuile : métadonnées absentes.",
        f"'{path.name}' does not say where its tile lies: metadata are missing.",
    )


def _packed(value: float) -> float:
    """Degrees from HDF-EOS packed DDDMMMSSS.SS; plain degrees are left as they are."""
    if abs(value) <= 360:
        return value
    whole = abs(value)
    degrees, rest = divmod(whole, 1e6)
    minutes, seconds = divmod(rest, 1e3)
    return float(np.copysign(degrees + minutes / 60 + seconds / 3600, value))


def _metadata(file: h5py.File, name: str) -> str:
    dataset = file.get(f"HDFEOS INFORMATION/{name}")
    if not isinstance(dataset, h5py.Dataset):
        return ""
    value = dataset[()]
    if isinstance(value, np.ndarray):
        value = b"".join(value.astype("S").ravel().tolist())
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _number(attrs: Any, name: str, default: float | None) -> Any:
    if name not in attrs:
        return default
    return np.asarray(attrs[name]).ravel()[0]


def _cut_short(path: Path) -> InvalidInput:
    return InvalidInput(
        f"« {path.name} » ne peut pas être lu : fichier tronqué ou qui n'est pas du HDF5. "
        "Téléchargez-le à nouveau.",
        f"'{path.name}' cannot be read: cut short, or not HDF5. Download it again.",
    )
