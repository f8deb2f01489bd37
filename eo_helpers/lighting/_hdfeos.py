"""One HDF-EOS5 tile of Black Marble: what it is, where it lies, what it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidInput

__all__ = ["MONTHLY", "Tile", "open_tile"]

#: Monthly products: Suomi-NPP and NOAA-20.
MONTHLY = ("VNP46A3", "VJ146A3")
_GRIDS = "HDFEOS/GRIDS"
_DEGREES = 10.0


@dataclass(frozen=True)
class Tile:
    """An open tile: position of its first cell on the world grid, month, product.

    ``row`` and ``col`` count cells of ``cell`` degrees from 90° N and 180° W.
    """

    path: Path
    product: str
    month: np.datetime64
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
        dataset = self.fields[name]
        try:
            raw = dataset[part]
        except (OSError, RuntimeError) as error:
            raise _cut_short(self.path) from error
        attrs = dataset.attrs
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


@contextmanager
def open_tile(path: Path) -> Iterator[Tile]:
    """Open a monthly tile and check that it is one.

    Raises
    ------
    InvalidInput
        If the file is cut short, no HDF5, another product, or lacks grid, month or position.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise _cut_short(path) from error
    with file:
        try:
            tile = _describe(path, file)
        except (OSError, RuntimeError, KeyError) as error:
            raise _cut_short(path) from error
        yield tile


def _describe(path: Path, file: h5py.File) -> Tile:
    grids = file.get(_GRIDS)
    if not isinstance(grids, h5py.Group) or not len(grids):
        raise InvalidInput(
            f"« {path.name} » est un fichier HDF5, mais sans la grille HDF-EOS « {_GRIDS} » : "
            "attendu un fichier mensuel VNP46A3 de la NASA.",
            f"'{path.name}' is an HDF5 file without the HDF-EOS grid '{_GRIDS}': "
            "a monthly VNP46A3 file of NASA is expected.",
        )
    grid = grids[next(iter(grids))]
    fields = grid.get("Data Fields") if isinstance(grid, h5py.Group) else None
    attrs = _attributes(file, grid)
    product = _product(path, attrs, fields)
    composite = next((n for n in fields or () if n.endswith("Composite_Snow_Free")), None)
    if product not in MONTHLY or composite is None:
        raise InvalidInput(
            f"« {path.name} » est du produit {product or 'inconnu'}, pas un composite mensuel "
            "VNP46A3 : téléchargez VNP46A3 (collection 002).",
            f"'{path.name}' is of product {product or 'unknown'}, not a monthly composite "
            "VNP46A3: download VNP46A3 (collection 002).",
        )
    assert fields is not None
    shape = fields[composite].shape
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
        month=_month(path, attrs, file),
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


def _month(path: Path, attrs: dict[str, Any], file: h5py.File) -> np.datetime64:
    for key in ("RangeBeginningDate", "StartTime", "RangeBeginningDateTime", "AcquisitionDate"):
        match = re.match(r"\s*(\d{4})-(\d{2})", str(attrs.get(key, "")))
        if match and 1 <= int(match.group(2)) <= 12:
            return np.datetime64(f"{match.group(1)}-{match.group(2)}", "M")
    core = _metadata(file, "CoreMetadata.0")
    match = re.search(r'RANGEBEGINNINGDATE\b.*?VALUE\s*=\s*"(\d{4})-(\d{2})', core, re.DOTALL)
    if match:
        return np.datetime64(f"{match.group(1)}-{match.group(2)}", "M")
    match = re.search(r"\.A(\d{4})(\d{3})\.", path.name)
    if match and 1 <= int(match.group(2)) <= 366:
        day = np.datetime64(match.group(1), "D") + int(match.group(2)) - 1
        return day.astype("datetime64[M]")
    raise InvalidInput(
        f"« {path.name} » ne dit pas de quel mois il est (ni métadonnées, ni nom de fichier).",
        f"'{path.name}' does not say which month it is of (neither metadata nor file name).",
    )


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
