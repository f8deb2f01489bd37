"""Small Black Marble files in the real layout, for the tests of the lighting theme."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import shapely

from eo_helpers.territory.commune import Commune

N = 240  # cells a side: the real tiles have 2400


@dataclass
class Holding:
    paths: list[Path]


def box_commune(west, south, east, north, insee="99901", name="Saint-Aubin") -> Commune:
    return Commune(insee, name, "99", shapely.box(west, south, east, north))


def _stored(array, scale):
    return np.round(array / scale) if scale else array


def write_tile(
    folder: Path,
    month: str,
    radiance,
    *,
    h: int = 18,
    v: int = 4,
    quality: int | np.ndarray = 0,
    nights: int = 12,
    std: float = 0.5,
    product: str = "VNP46A3",
    floating: bool = False,
    grid: str = "VIIRS_Grid_DNB_2d",
    position: str = "struct",
    with_date: bool = True,
    name: str | None = None,
    made: str = "2024001000000",
    snow: int | np.ndarray = 0,
) -> Path:
    """One tile of a month (``2022-11``), a year or a day.

    ``radiance`` is a number or an array (N, N), NaN where nothing was seen.
    """
    first = np.datetime64(month, "D")
    year = int(str(first)[:4])
    day = (first - np.datetime64(str(year), "D")).astype(int) + 1
    path = folder / (name or f"{product}.A{year}{day:03d}.h{h:02d}v{v:02d}.002.{made}.h5")
    value = np.broadcast_to(np.asarray(radiance, float), (N, N))
    flags = np.where(np.isnan(value), 255, np.broadcast_to(quality, (N, N))).astype("u1")
    with h5py.File(path, "w") as f:
        fields = f.create_group(f"HDFEOS/GRIDS/{grid}/Data Fields")

        def put(field, array, dtype, fill, scale=None):
            out = np.where(np.isnan(array), fill, _stored(array, scale)).astype(dtype)
            d = fields.create_dataset(field, data=out, chunks=(60, 60), compression="gzip")
            d.attrs["_FillValue"] = np.array([fill], dtype)
            if scale:
                d.attrs["scale_factor"] = np.array([scale])
                d.attrs["add_offset"] = np.array([0.0])

        if product.endswith("A2"):
            put("DNB_BRDF-Corrected_NTL", value, "u2", 65535, 0.1)
            put(
                "Gap_Filled_DNB_BRDF-Corrected_NTL", np.nan_to_num(value, nan=7.7), "u2", 65535, 0.1
            )
            put("Mandatory_Quality_Flag", flags.astype(float), "u1", 255)
            put("Snow_Flag", np.broadcast_to(np.asarray(snow, float), (N, N)), "u1", 255)
        for view in () if product.endswith("A2") else ("AllAngle", "NearNadir", "OffNadir"):
            base = f"{view}_Composite_Snow_Free"
            if floating:
                put(base, value, "f4", -999.9)
                put(f"{base}_Std", np.full((N, N), std), "f4", -999.9)
            else:
                put(base, value, "u2", 65535, 0.1)
                put(f"{base}_Std", np.full((N, N), std), "u2", 65535, 0.1)
            put(f"{base}_Num", np.full((N, N), float(nights)), "u2", 65535)
            put(f"{base}_Quality", flags.astype(float), "u1", 255)
        west, north = -180 + 10 * h, 90 - 10 * v
        if position == "struct":
            text = (
                "GROUP=GridStructure\n\tGROUP=GRID_1\n\t\tXDim=240\n\t\tUpperLeftPointMtrs="
                f"({west * 1e6:.6f},{north * 1e6:.6f})\n"
            )
            f.create_dataset("HDFEOS INFORMATION/StructMetadata.0", data=np.bytes_(text))
        elif position == "arrays":
            step = 10 / N
            fields["lon"] = west + step / 2 + step * np.arange(N)
            fields["lat"] = north - step / 2 - step * np.arange(N)
        elif position == "attributes":
            f.attrs["WestBoundingCoord"] = np.array([west], "f4")
            f.attrs["NorthBoundingCoord"] = np.array([north], "f4")
        f.attrs["ShortName"] = np.bytes_(product)
        if with_date:
            f.attrs["RangeBeginningDate"] = np.bytes_(str(first))
        f.attrs["ProductionTime"] = np.bytes_(made)
    return path
