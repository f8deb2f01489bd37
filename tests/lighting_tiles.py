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
) -> Path:
    """One tile; ``radiance`` is a number or an array (N, N), NaN where nothing was seen."""
    year, mon = (int(p) for p in month.split("-"))
    day = (np.datetime64(month, "D") - np.datetime64(str(year), "D")).astype(int) + 1
    path = folder / (name or f"{product}.A{year}{day:03d}.h{h:02d}v{v:02d}.002.{made}.h5")
    value = np.broadcast_to(np.asarray(radiance, float), (N, N))
    flags = np.where(np.isnan(value), 255, np.broadcast_to(quality, (N, N))).astype("u1")
    with h5py.File(path, "w") as f:
        fields = f.create_group(f"HDFEOS/GRIDS/{grid}/Data Fields")

        def put(field, array, dtype, fill, scale=None):
            out = np.where(np.isnan(array), fill, array / (scale or 1)).astype(dtype)
            d = fields.create_dataset(field, data=out, chunks=(60, 60), compression="gzip")
            d.attrs["_FillValue"] = np.array([fill], dtype)
            if scale:
                d.attrs["scale_factor"] = np.array([scale])
                d.attrs["add_offset"] = np.array([0.0])

        for view in ("AllAngle", "NearNadir", "OffNadir"):
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
            f.attrs["RangeBeginningDate"] = np.bytes_(f"{year}-{mon:02d}-01")
        f.attrs["ProductionTime"] = np.bytes_(made)
    return path
