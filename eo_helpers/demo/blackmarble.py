"""VNP46A3 files: HDF-EOS5, as NASA's Black Marble monthly product is laid out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from .lamps import MONTHS, Sky

__all__ = ["write_tiles"]

_SIZE, _CHUNK = 2400, 150
_GROUP = "HDFEOS/GRIDS/VIIRS_Grid_DNB_2d/Data Fields"
_ANGLES = ("AllAngle", "NearNadir", "OffNadir")
_PRODUCED = "2025021143000"


def _structure(h: int, v: int) -> str:
    """ODL description of the grid, as HDF-EOS tools expect it."""
    west, north = -180 + 10 * h, 90 - 10 * v
    return (
        "GROUP=SwathStructure\nEND_GROUP=SwathStructure\nGROUP=GridStructure\n\tGROUP=GRID_1\n"
        '\t\tGridName="VIIRS_Grid_DNB_2d"\n\t\tXDim=2400\n\t\tYDim=2400\n'
        f"\t\tUpperLeftPointMtrs=({west}000000.000000,{north}000000.000000)\n"
        f"\t\tLowerRightMtrs=({west + 10}000000.000000,{north - 10}000000.000000)\n"
        "\t\tProjection=HE5_GCTP_GEO\n\t\tGridOrigin=HE5_HDFE_GD_UL\n"
        "\tEND_GROUP=GRID_1\nEND_GROUP=GridStructure\nEND\n"
    )


def _template(path: Path, h: int, v: int) -> None:
    """An empty tile: every field there, nothing but fill values in it."""
    west, north = -180 + 10 * h, 90 - 10 * v
    cell = 10 / _SIZE
    with h5py.File(path, "w", libver=("earliest", "v110")) as file:
        file.attrs.update(
            {
                "ShortName": "VNP46A3", "VersionID": "002", "AlgorithmType": "SCI",
                "LongName": "VIIRS/NPP Lunar BRDF-Adjusted Nighttime Lights Monthly L3 Global "
                "15 arc second Linear Lat Lon Grid",
                "PlatformShortName": "SUOMI-NPP", "InstrumentShortname": "VIIRS",
                "DayNightFlag": "Night", "HorizontalTileNumber": f"{h:02d}",
                "VerticalTileNumber": f"{v:02d}", "DataResolution": "15 arc second",
                "WestBoundingCoord": np.float32(west), "EastBoundingCoord": np.float32(west + 10),
                "NorthBoundingCoord": np.float32(north),
                "SouthBoundingCoord": np.float32(north - 10),
                "ProcessingCenter": "eo_helpers demonstration: fictional territory, simulated",
                "Demonstration": "true", "PGEVersion": "2.0.0",
                "ProductionTime": "2025-01-21 14:30:00.000",
            }
        )  # fmt: skip
        information = file.create_group("HDFEOS INFORMATION")
        information.attrs["HDFEOSVersion"] = "HDFEOS_5.1.15"
        information.create_dataset("StructMetadata.0", data=np.bytes_(_structure(h, v)))
        fields = file.create_group(_GROUP)

        def field(name: str, dtype: str, fill: int, attributes: dict[str, object]) -> None:
            made = fields.create_dataset(
                name, (_SIZE, _SIZE), dtype, chunks=(_CHUNK, _CHUNK), fillvalue=fill,
                compression="gzip", compression_opts=1, shuffle=True,
            )  # fmt: skip
            made.attrs["_FillValue"] = np.array([fill], dtype)
            made.attrs.update(attributes)

        for angle in _ANGLES:
            for state in ("Snow_Free", "Snow_Covered"):
                base = f"{angle}_Composite_{state}"
                words = f"{angle} {state.replace('_', '-').lower()} composite"
                scaled = {
                    "scale_factor": np.array([0.1], "f4"), "offset": np.array([0.0], "f4"),
                    "units": "nWatts/(cm^2 sr)", "valid_min": np.array([0], "u2"),
                    "valid_max": np.array([65534], "u2"),
                }  # fmt: skip
                field(base, "u2", 65535, {"long_name": f"Temporal radiance, {words}", **scaled})
                field(f"{base}_Std", "u2", 65535,
                      {"long_name": f"Standard deviation, {words}", **scaled})  # fmt: skip
                field(f"{base}_Num", "u2", 65535, {"long_name": f"Number of observations, {words}",
                      "units": "number of observations"})  # fmt: skip
                field(f"{base}_Quality", "u1", 255, {"long_name": f"Quality flag, {words}",
                      "units": "quality flag, no units",
                      "flag_meanings": "0 good, 1 poor (few nights), 2 gap filled"})  # fmt: skip
        field("DNB_Platform", "u1", 255, {"long_name": "Platform", "units": "0 Suomi-NPP"})
        field("Land_Water_Mask", "u1", 255, {"long_name": "Land water mask",
              "units": "0 shallow ocean, 1 land"})  # fmt: skip
        lat = north - (np.arange(_SIZE) + 0.5) * cell
        lon = west + (np.arange(_SIZE) + 0.5) * cell
        for name, values, units in (("lat", lat, "degrees_north"), ("lon", lon, "degrees_east")):
            made = fields.create_dataset(name, data=values, compression="gzip", shuffle=True)
            made.attrs["units"] = units


def write_tiles(
    sky: Sky, folder: Path, seed: int, progress: Callable[[float], None] | None = None
) -> list[Path]:
    """Write every month of a window as tiles; months that are missing have no file.

    Parameters
    ----------
    sky : Sky
        Monthly values about the territory.
    folder : Path
        Where the files go.
    seed : int
        For what differs between the angle composites.
    progress : callable (fraction), optional
    """
    folder.mkdir(parents=True, exist_ok=True)
    months, rows, cols = sky.radiance.shape
    first_h, last_h = sky.col // _SIZE, (sky.col + cols - 1) // _SIZE
    v = sky.row // _SIZE
    if (sky.row + rows - 1) // _SIZE != v:
        raise ValueError("the window must lie in one row of tiles")
    written: list[Path] = []
    rng = np.random.default_rng([seed, 31, sky.col])
    side = rng.standard_normal((2, months, rows, cols), dtype=np.float32)
    valid = np.isfinite(sky.radiance)
    factor = (1.0, 0.96, 1.03)
    for h in range(first_h, last_h + 1):
        template = folder / f".template.h{h:02d}v{v:02d}.h5"
        _template(template, h, v)
        left = max(sky.col, h * _SIZE) - sky.col
        right = min(sky.col + cols, (h + 1) * _SIZE) - sky.col
        here = (slice(None), slice(left, right))
        r0 = sky.row - v * _SIZE
        c0 = sky.col + left - h * _SIZE
        target = (slice(r0, r0 + rows), slice(c0, c0 + right - left))
        for k, month in enumerate(MONTHS):
            if not sky.written[k]:
                continue
            name = f"VNP46A3.A{month:%Y%j}.h{h:02d}v{v:02d}.002.{_PRODUCED}.h5"
            path = folder / name
            shutil.copyfile(template, path)
            ok = valid[k][here]
            state = "Snow_Covered" if sky.snow[k] else "Snow_Free"
            with h5py.File(path, "r+", libver=("earliest", "v110")) as file:
                file.attrs["LocalGranuleID"] = name
                file.attrs["RangeBeginningDate"] = f"{month:%Y-%m-%d}"
                fields = file[_GROUP]
                for a, angle in enumerate(_ANGLES):
                    value, nights = sky.radiance[k][here], sky.nights[k][here]
                    if a:
                        value = value * factor[a] + 0.03 * value * side[a - 1, k][here]
                        nights = nights // 2 if a == 1 else nights - nights // 2
                    base = f"{angle}_Composite_{state}"
                    fields[base][target] = _packed(value, ok)
                    fields[f"{base}_Std"][target] = _packed(sky.std[k][here], ok)
                    fields[f"{base}_Num"][target] = np.where(ok, nights, 65535).astype("u2")
                    quality = np.where(ok, sky.quality[k][here], 255)
                    fields[f"{base}_Quality"][target] = quality.astype("u1")
                fields["DNB_Platform"][target] = np.zeros(ok.shape, "u1")
                fields["Land_Water_Mask"][target] = sky.land[here].astype("u1")
            written.append(path)
            if progress:
                progress(len(written) / (months * (last_h - first_h + 1)))
        template.unlink()
    return written


def _packed(value: NDArray, ok: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """Radiance as the product stores it: tenths of a nanowatt, 65535 where missing."""
    whole = np.clip(np.round(np.nan_to_num(value) / 0.1), 0, 65534)
    return np.where(ok, whole, 65535).astype("u2")
