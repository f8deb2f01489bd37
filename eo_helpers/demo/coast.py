"""The coast: the national indicator's archive, and a beach seen by satellite through the years.

The beach's truth is known to the centimetre: where its shore at mean sea level was on each
date, how the tide stood, which part of the sky was clouded, how far an image was misplaced.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
import shapely.ops
from numpy.typing import NDArray
from scipy import ndimage

from .ground import Cover, Grid, Ground, fractal_noise, generator
from .radar import UTM
from .rasters import write_tiff

__all__ = ["SLOPE", "Beach", "beach_of", "coast_of", "write_beach", "write_inec"]

Floats = NDArray[np.float64]
_DATED = (2025, 1, 1, 0, 0, 0)
#: Tangent of the beach's angle, and the tide's half range, metres.
SLOPE = 0.06
_TIDE = 1.6
#: Principal lunar tide, days: satellites that pass at one hour see it drift.
_M2 = 0.5175251
_FIRST, _LAST = "2015-08-04", "2024-12-20"
_BANDS = ("B02", "B03", "B08", "B11", "SCL")
#: Mean reflectance in B02, B03, B08, B11 (orders of magnitude of spectral libraries).
_SPECTRA = {
    "sea": (0.050, 0.042, 0.014, 0.008), "foam": (0.24, 0.25, 0.20, 0.06),
    "wet": (0.085, 0.105, 0.150, 0.130), "dry": (0.16, 0.21, 0.30, 0.38),
    "dune": (0.05, 0.08, 0.27, 0.20), "cloud": (0.45, 0.45, 0.48, 0.36),
}  # fmt: skip


def coast_of(ground: Ground, step: float = 20.0) -> gpd.GeoDataFrame:
    """The sea's edge of each commune: ``insee`` and lines, where its boundary is by the sea."""
    west, south, east, north = ground.grid.bounds
    far = ndimage.distance_transform_edt(ground.cover != Cover.SEA) * ground.grid.step
    rows, lines = [], []
    for commune in ground.communes.itertuples():
        for ring in shapely.get_parts(shapely.boundary(commune.geometry)):
            along = np.arange(0, ring.length, step)
            xy = shapely.get_coordinates(shapely.line_interpolate_point(ring, along))
            row, col = ground.grid.index(*xy.T)
            edge = 60.0
            inside = (xy[:, 0] > west + edge) & (xy[:, 0] < east - edge)
            inside &= (xy[:, 1] > south + edge) & (xy[:, 1] < north - edge)
            by_sea = (far[row, col] < 30) & inside
            if by_sea.all():
                runs = [np.arange(len(xy))]
            else:
                # Begin where the ring is inland, so that no run is cut at the ring's start.
                start = int(np.flatnonzero(~by_sea)[0]) if (~by_sea).any() else 0
                order = np.roll(np.arange(len(xy)), -start)
                label, count = ndimage.label(by_sea[order])
                runs = [order[label == k] for k in range(1, count + 1)]
            for run in runs:
                if len(run) * step >= 400:
                    rows.append(commune.insee)
                    lines.append(shapely.LineString(xy[run]))
    return gpd.GeoDataFrame({"insee": rows}, geometry=lines, crs=ground.crs)


def write_inec(ground: Ground, folder: Path, seed: int) -> Path:
    """Write the indicator's archive: a zipped shapefile in the territory's CRS, ISO-8859-1.

    One polygon for each 200 m of coast: ``taux`` (m a year, -9999 none), ``duree`` (years),
    ``tdc_ancien``, ``tdc_rec`` (years of the two lines), ``amenagemen`` (1: a structure).
    """
    rng = generator(seed, 90, len(ground.area))
    coast = coast_of(ground)
    harbour = shapely.Point(ground.places["harbour"])
    pieces: list[dict[str, object]] = []
    shapes = []
    for line in coast.geometry:
        count = max(round(line.length / 200.0), 1)
        walk = ndimage.gaussian_filter1d(rng.standard_normal(count + 20), 2.5)[10 : 10 + count]
        rate = -0.22 + 0.55 * walk / max(float(walk.std()), 1e-6) * 0.6
        for k in range(count):
            part = shapely.ops.substring(line, 200.0 * k, min(200.0 * (k + 1), line.length))
            recent = 2012
            old = int(rng.choice([1934, 1947, 1952, 1977], p=[0.3, 0.35, 0.25, 0.1]))
            built = part.distance(harbour) < 450
            blank = bool(rng.random() < 0.08)
            value = float(np.round(rate[k], 2))
            # What the two photographs cannot tell is written as no movement.
            value = 0.0 if abs(value) * (recent - old) < 6 else value
            pieces.append(
                {
                    "taux": -9999.0 if built or blank else value,
                    "duree": 0 if built or blank else recent - old,
                    "tdc_ancien": "" if built or blank else str(old),
                    "tdc_rec": "" if built or blank else str(recent),
                    "amenagemen": int(built),
                }
            )
            shapes.append(part.buffer(60.0, cap_style="flat"))
    table = gpd.GeoDataFrame(pieces, geometry=shapes, crs=ground.crs)
    code = ground.crs.split(":")[1]
    name = f"N_evolution_trait_cote_S_{ground.area}_epsg{code}_062018_shape"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.zip"
    with tempfile.TemporaryDirectory(dir=folder) as work:
        shp = Path(work) / f"{name}.shp"
        pyogrio.write_dataframe(
            table, shp, driver="ESRI Shapefile", encoding="ISO-8859-1",
            layer_options={"DBF_DATE_LAST_UPDATE": "2018-06-01"},
        )  # fmt: skip
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for suffix in (".shp", ".shx", ".dbf", ".prj"):
                entry = zipfile.ZipInfo(f"{name}{suffix}", _DATED)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, shp.with_suffix(suffix).read_bytes())
    return target


@dataclass(frozen=True, eq=False)
class Beach:
    """A beach and what is true of it.

    Attributes
    ----------
    line : LineString
        The shore at mean sea level on the first day, UTM metres; the sea on its right.
    dates : DatetimeIndex
        Instants of the images, UTC.
    tide : float array
        Water level at each, metres above mean sea level.
    moved : float array
        Seaward movement of the shore at mean sea level since the first day, metres.
    misplaced : float array (n, 2)
        Shift of each image, metres east and north.
    clouds : float array
        Share of each image under clouds.
    trend : float
        Rate, metres a year.
    """

    line: shapely.LineString
    dates: pd.DatetimeIndex
    tide: Floats
    moved: Floats
    misplaced: Floats
    clouds: Floats
    trend: float


def beach_of(
    seed: int, centre: tuple[float, float], images: int = 48, trend: float = -1.2
) -> Beach:
    """Draw a beach of 1.6 km about ``centre`` (UTM metres) and its history."""
    rng = generator(seed, 91)
    x = np.linspace(-800, 800, 81)
    # From east to west, with the sea on the right: to the north.
    xy = np.column_stack([x[::-1], 90 * np.sin(x[::-1] / 420) + 25 * np.sin(x[::-1] / 130)])
    line = shapely.LineString(xy + np.asarray(centre))
    start, end = pd.Timestamp(_FIRST, tz="UTC"), pd.Timestamp(_LAST, tz="UTC")
    # Every fifth day at one hour; some of them only.
    passes = pd.date_range(start, end, freq="5D") + pd.Timedelta("10:56:31")
    dates = passes[np.sort(rng.choice(len(passes), images, replace=False))]
    days = (dates - start).total_seconds().to_numpy() / 86_400
    years = days / 365.25
    spring = 1 + 0.35 * np.cos(2 * np.pi * days / 14.7653)
    tide = _TIDE * 0.74 * spring * np.cos(2 * np.pi * days / _M2 + 1.0)
    # Storms take, calm gives back; winters narrow the beach.
    number = int(years.max()) + 3
    storms = np.zeros(number)
    for k in range(1, number):
        storms[k] = 0.5 * storms[k - 1] + rng.normal(0, 2.5)
    moved = trend * years + 4 * np.sin(2 * np.pi * (years - 0.2))
    moved = moved + np.interp(years, np.arange(number), storms) + rng.normal(0, 0.8, images)
    clouds = np.where(rng.random(images) < 0.55, 0.0, rng.uniform(0.05, 0.6, images))
    clouds[images // 3] = 1.0
    return Beach(line, dates, tide, moved, rng.normal(0, 2.5, (images, 2)), clouds, trend)


def _scene(
    beach: Beach, k: int, grid: Grid, land: NDArray, rng: np.random.Generator
) -> NDArray[np.uint16]:
    """One image: bands × rows × cols, reflectance × 10,000 and Sen2Cor's classes.

    ``land`` is what makes one dune brighter than the next, always the same.
    """
    fine = Grid(grid.west, grid.north, 2.5, grid.rows * 4, grid.cols * 4)
    x, y = fine.mesh()
    shift = beach.misplaced[k]
    xy = shapely.get_coordinates(beach.line)
    # The line is a function of x: height above it, across its slope, is the distance.
    at = np.interp(x - shift[0], xy[::-1, 0], xy[::-1, 1])
    steep = np.gradient(xy[::-1, 1], xy[::-1, 0])
    steep = np.interp(x - shift[0], xy[::-1, 0], steep)
    seaward = (y - shift[1] - at) / np.hypot(1, steep) - beach.moved[k]
    # High water covers the beach: the waterline stands landward of mean sea level.
    water = seaward + beach.tide[k] / SLOPE
    # What does not move, misplaced as the image is.
    texture = ndimage.shift(land, (-shift[1] / 2.5, shift[0] / 2.5), order=1, mode="nearest")
    texture = np.where(seaward > -60, 1.0, texture)
    names = list(_SPECTRA)
    what = np.full(water.shape, names.index("sea"), np.uint8)
    what[water < 18] = names.index("foam")
    ragged = fractal_noise(rng, grid.shape, 10.0, 120, 3).repeat(4, 0).repeat(4, 1)
    what[water + 4 * ragged > 6] = names.index("sea")
    what[water < 0] = names.index("wet")
    what[water < -12] = names.index("dry")
    what[seaward < -95] = names.index("dune")
    light = np.array([_SPECTRA[n] for n in names])
    veil = np.zeros(water.shape, np.float32)
    if beach.clouds[k] > 0:
        noise = fractal_noise(rng, grid.shape, 10.0, 500, 4)
        cut = -9.0 if beach.clouds[k] >= 1 else np.quantile(noise, 1 - beach.clouds[k])
        veil = np.clip((noise - cut) * 4, 0, 1).repeat(4, 0).repeat(4, 1)
    bands = []
    for band in range(4):
        value = light[:, band][what] * texture
        value = value * (1 - veil) + _SPECTRA["cloud"][band] * veil
        size = 8 if band == 3 else 4
        seen = ndimage.gaussian_filter(ndimage.uniform_filter(value, size), size * 0.35)
        seen = seen[size // 2 :: size, size // 2 :: size]
        seen = seen + rng.normal(0, 0.0025, seen.shape)
        # The short-wave infrared has 20 m: between its cells values are interpolated.
        if band == 3:
            seen = grid.coarse(2).refine(seen, 2)
        bands.append(np.round(np.clip(seen, 0.0005, 1.5) * 10_000))
    cover = veil[2::4, 2::4]
    scl = np.where(cover > 0.25, 9, np.where(water[2::4, 2::4] > 0, 6, 5))
    return np.stack([*bands, scl]).astype(np.uint16)


def write_beach(beach: Beach, folder: Path, seed: int) -> pd.DataFrame:
    """Write a beach's images, its tides and its reference line, and return its truth.

    Parameters
    ----------
    beach : Beach
    folder : Path
        Gets ``S2?_MSIL2A_….tif`` (B02, B03, B08, B11 × 10,000 and SCL; 10 m, UTM),
        ``tide.csv`` (hourly round each image, UTC, metres above mean sea level),
        ``reference.geojson`` and ``truth.json``.

    Returns
    -------
    DataFrame
        ``image, date, tide_m, moved_m, east_m, north_m, cloud_share``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    west, south, east, north = beach.line.bounds
    west, north = np.floor((west + 20) / 10) * 10, np.ceil((north + 260) / 10) * 10
    cols = int((east - 20 - west) // 20) * 2
    grid = Grid(west, north, 10.0, int((north - south + 260) // 20) * 2, cols)
    rows = []
    noise = fractal_noise(generator(seed, 93), grid.shape, 10.0, 120, 4)
    land = np.exp(0.22 * noise).repeat(4, 0).repeat(4, 1)
    for k, date in enumerate(beach.dates):
        craft = "S2A" if k % 2 else "S2B"
        path = folder / f"{craft}_MSIL2A_{date:%Y%m%dT%H%M%S}_N0500_PLAGE.tif"
        write_tiff(
            path, _scene(beach, k, grid, land, generator(seed, 92, k)), grid, UTM, 0, _BANDS,
            {"ACQUISITION_DATETIME": f"{date:%Y-%m-%dT%H:%M:%S}Z", "PRODUCT_TYPE": "L2A",
             "PLATFORM": "SENTINEL-2A" if craft == "S2A" else "SENTINEL-2B",
             "BOA_ADD_OFFSET": "0", "DEMONSTRATION": "true"},
            driver="GTiff",
        )  # fmt: skip
        rows.append((path.name, date, beach.tide[k], beach.moved[k], *beach.misplaced[k],
                     beach.clouds[k]))  # fmt: skip
    truth = pd.DataFrame(
        rows,
        columns=["image", "date", "tide_m", "moved_m", "east_m", "north_m", "cloud_share"],
    )
    # As a tide gauge or a model gives it: about the instant, not at it.
    around = [
        (date + pd.Timedelta(minutes=m), level)
        for date, level in zip(beach.dates, beach.tide, strict=True)
        for m in (-20, 20)
    ]
    levels = pd.DataFrame(around, columns=["date", "level_m"])
    levels["date"] = levels["date"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    levels.round(3).to_csv(folder / "tide.csv", index=False)
    gpd.GeoDataFrame({"name": ["plage"]}, geometry=[beach.line], crs=UTM).to_crs(
        "EPSG:4326"
    ).to_file(folder / "reference.geojson", driver="GeoJSON")
    about = {"trend_m_per_year": beach.trend, "slope": SLOPE, "images": len(truth)}
    (folder / "truth.json").write_text(json.dumps(about, indent=1), encoding="utf-8")
    return truth
