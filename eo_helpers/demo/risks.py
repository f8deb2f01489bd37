"""Memory of floods as the public services answer: decrees, gauge, water levels from space."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from .ground import Ground, generator
from .radar import AFTER, Flood

__all__ = ["SWOT_OFFSET", "write_memory", "write_swot"]

#: Floods of the Ervelle: start, days, peak at the gauge (m), communes that had a decree.
FLOODS = (
    ("1993-12-20", 9, 3.05, ("99001", "99002", "99004")),
    ("1999-12-25", 4, 2.60, ("99001", "99002", "99003", "99004", "99005")),
    ("2001-03-24", 6, 2.85, ("99001", "99002")),
    ("2010-02-27", 2, 1.90, ("99004",)),
    ("2016-05-30", 6, 2.45, ("99001", "99003")),
    ("2018-06-11", 1, 1.75, ("99003",)),
    ("2024-01-12", 8, 3.40, ("99001", "99002", "99004")),
)
_STORM = {"1999-12-25": "Inondations, Coulées de Boue et Mouvements de Terrain",
          "2010-02-27": "Inondations par Choc Mécanique des Vagues"}  # fmt: skip
_MUD = "Inondations et/ou Coulées de Boue"
STATION = "Z990001001"
#: Zero of SWOT's heights (EGM2008) above that of the terrain's (NGF-IGN69) here, m.
SWOT_OFFSET = 0.22
#: Standard deviation of a SWOT cell of 100 m, m.
_NOISE = 0.12


def _page(data: list[dict[str, object]], **more: object) -> str:
    return json.dumps({**more, "data": data}, ensure_ascii=False, indent=1)


def write_memory(ground: Ground, folder: Path, seed: int) -> None:
    """Decrees (one answer a commune) and the gauge of the town."""
    folder.mkdir(parents=True, exist_ok=True)
    names = dict(zip(ground.communes["insee"], ground.communes["name"], strict=True))
    for insee, name in names.items():
        rows = []
        for start, days, _, struck in FLOODS:
            if insee not in struck:
                continue
            first = pd.Timestamp(start)
            rows.append(
                {
                    "code_national_catnat": f"INTE{first:%y%m}{insee}A",
                    "date_debut_evt": f"{first:%d/%m/%Y}",
                    "date_fin_evt": f"{first + pd.Timedelta(days=days - 1):%d/%m/%Y}",
                    "date_publication_arrete": f"{first + pd.Timedelta(days=95):%d/%m/%Y}",
                    "libelle_risque_jo": _STORM.get(start, _MUD),
                    "code_insee": insee,
                    "libelle_commune": name.upper(),
                }
            )
        if insee == "99005":
            rows.append({**rows[0], "code_national_catnat": "INTE1207S", "date_debut_evt":
                         "01/07/2022", "date_fin_evt": "30/09/2022", "date_publication_arrete":
                         "03/05/2023", "libelle_risque_jo": "Sécheresse"})  # fmt: skip
        text = _page(rows, results=len(rows), page=1, total_pages=1)
        (folder / f"catnat_{insee}.json").write_text(text, encoding="utf-8")
    _gauge(ground, folder, seed)


def _gauge(ground: Ground, folder: Path, seed: int) -> None:
    """A gauge at the town's bridge: monthly highest levels since 1990, in millimetres."""
    rng = generator(seed, 72)
    river = ground.river
    assert river is not None
    at = shapely.line_interpolate_point(
        river, shapely.line_locate_point(river, shapely.Point(ground.places["centre"]))
    )
    lon, lat = Transformer.from_crs(ground.crs, 4326, always_xy=True).transform(at.x, at.y)
    station = {
        "code_site": STATION[:8], "code_station": STATION,
        "libelle_station": "L'Ervelle à Saint-Aubin-sur-Ervelle", "libelle_cours_eau": "L'Ervelle",
        "code_commune_station": "99001", "longitude_station": round(lon, 6),
        "latitude_station": round(lat, 6), "en_service": True,
    }  # fmt: skip
    (folder / "hubeau_stations.json").write_text(
        _page([station], count=1, api_version="2.0.1"), encoding="utf-8"
    )
    months = pd.date_range("1990-01-01", AFTER[:7] + "-01", freq="MS")
    season = 0.95 + 0.45 * np.cos(2 * np.pi * (months.month.to_numpy() - 1.5) / 12)
    level = np.exp(np.log(season) + rng.normal(0, 0.22, len(months)))
    level = np.minimum(level, 2.3)
    for start, _, peak, _ in FLOODS:
        level[months == pd.Timestamp(start[:7] + "-01")] = peak
    rows = []
    for month, metres in zip(months, level, strict=True):
        if month.year == 2007 and month.month < 6:  # the gauge was out of order
            continue
        rows.append(
            {"code_site": STATION[:8], "code_station": STATION,
             "date_obs_elab": f"{month:%Y-%m-%d}",
             "resultat_obs_elab": round(1000 * float(metres)), "grandeur_hydro_elab": "HIXM",
             "code_qualification": 20, "libelle_qualification": "Bonne"}
        )  # fmt: skip
    (folder / "hubeau_obs_elab_HIXM.json").write_text(
        _page(rows, count=len(rows), api_version="2.0.1"), encoding="utf-8"
    )


def write_swot(ground: Ground, flood: Flood, folder: Path, seed: int) -> None:
    """A SWOT L2_HR_Raster file (NetCDF, 100 m) of the flood's day over the valley."""
    rng = generator(seed, 73)
    factor = round(100 / ground.grid.step)
    grid = ground.grid.coarse(factor)
    rows, cols = grid.shape

    def blocks(values: NDArray) -> NDArray:
        cut = values[: rows * factor, : cols * factor]
        return cut.reshape(rows, factor, cols, factor).swapaxes(1, 2).reshape(rows, cols, -1)

    wet = blocks(flood.extent)
    share = wet.mean(-1)
    known = share > 0.3
    total = np.where(wet, blocks(flood.surface), 0.0).sum(-1)
    level = np.where(known, total / np.maximum(wet.sum(-1), 1), np.nan)
    wse = level + rng.normal(0, _NOISE, level.shape) - SWOT_OFFSET
    # Layover by steep ground and buildings: some cells are flagged and wrong.
    bad = known & (rng.random(level.shape) < 0.08)
    wse[bad] += rng.normal(2.0, 1.5, int(bad.sum()))
    folder.mkdir(parents=True, exist_ok=True)
    name = "SWOT_L2_HR_Raster_100m_UTM30N_N_x_x_x_009_042_075F_20240115T174820_PIC0_01.nc"
    x, y = grid.centres()
    with h5py.File(folder / name, "w") as file:
        file.attrs["title"] = "Level 2 KaRIn High Rate Raster Data Product"
        file.attrs["time_granule_start"] = f"{AFTER}Z"
        file["x"], file["y"] = x, y[::-1]
        for axis in ("x", "y"):
            file[axis].make_scale(axis)
        for variable, values, fill in (
            ("wse", wse, 9.96921e36), ("wse_uncert", np.where(known, _NOISE, np.nan), 9.96921e36),
            ("water_frac", np.where(share > 0, share, np.nan), 9.96921e36),
        ):  # fmt: skip
            data = np.where(np.isfinite(values), values, fill).astype(np.float32)[::-1]
            made = file.create_dataset(variable, data=data, compression="gzip")
            made.attrs["_FillValue"] = np.float32(fill)
            made.attrs["units"] = "1" if variable == "water_frac" else "m"
        quality = np.where(known, np.where(bad, 3, 0), 255).astype(np.uint8)[::-1]
        made = file.create_dataset("wse_qual", data=quality, compression="gzip")
        made.attrs["_FillValue"] = np.uint8(255)
        made = file.create_dataset("crs", data=b"1")
        made.attrs["crs_wkt"] = CRS.from_user_input(ground.crs).to_wkt()
