"""Local Climate Zones as Cerema publishes them: a zipped shapefile of eleven columns."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray

from .ground import Cover, Ground, generator

__all__ = ["AREA", "COLUMNS", "cerema_class", "lcz_blocks", "write_archive", "write_truth"]

AREA = "Pays d'Ervelle"
COLUMNS = ["identifier", "hre", "are", "bur", "ror", "bsr", "war", "ver", "vhr", "lcz", "lcz_int"]
_CODES = {**{str(k): k for k in range(1, 10)}, **dict(zip("ABCDEFG", range(11, 18), strict=True))}
_COLOURS = {
    "1": ("Ensemble compact de tours", "#8C0000"),
    "2": ("Ensemble compact d'immeubles", "#D10000"),
    "3": ("Ensemble compact de maisons", "#FF0000"),
    "4": ("Ensemble de tours espacées", "#BF4D00"),
    "5": ("Ensemble d'immeubles espacés", "#FA6600"),
    "6": ("Ensemble de maisons espacées", "#FF9955"),
    "7": ("Ensemble dense de constructions légères", "#FAEE05"),
    "8": ("Bâtiments de grande emprise", "#BCBCBC"),
    "9": ("Implantation diffuse de maisons", "#FFCCAA"),
    "A": ("Espace densément arboré", "#006A00"),
    "B": ("Espace arboré clairsemé", "#00AA00"),
    "C": ("Espace végétalisé hétérogène", "#648525"),
    "D": ("Végétation basse", "#B9DB79"),
    "E": ("Sol imperméable", "#000000"),
    "F": ("Sol nu perméable", "#FBF7AE"),
    "G": ("Surface en eau", "#6A6AFF"),
}
_DATED = (2025, 1, 1, 12, 0, 0)


def cerema_class(blocks: pd.DataFrame) -> NDArray:
    """Class of each block by Cerema's decision rule, written here on its own.

    The demonstration carries its own copy, so that the reader's rule is checked
    against something that it does not share.

    Source: Cerema's published code for LCZ_SPOT_2022.
    """
    b = {c: blocks[c].to_numpy(float) for c in COLUMNS[1:9]}
    paved = b["bur"] + b["ror"]
    built = b["bur"] > 10
    tall = np.select([b["hre"] <= 9, b["hre"] <= 30], [6, 5], 4)
    compact = (b["bur"] > 40) & (paved > 70)
    code = np.where(compact, tall - 3, tall).astype("U1").astype(object)
    code[built & (b["bur"] <= 20) & (b["hre"] <= 9)] = "9"
    code[built & (b["hre"] <= 21) & (paved > 40) & (b["are"] > 700)] = "8"
    code[built & (b["bur"] > 60) & (b["bsr"] > b["ror"] + b["war"] + b["ver"])] = "7"
    first = np.argmax(np.stack([b["ver"], b["ror"], b["bsr"], b["war"]]), axis=0)
    trees = np.select([b["vhr"] > 50, b["vhr"] > 25, b["vhr"] > 10], ["A", "B", "C"], "D")
    natural = np.where(first == 0, trees, np.array(["", "E", "F", "G"])[first]).astype(object)
    total = b["bur"] + b["ror"] + b["bsr"] + b["war"] + b["ver"]
    natural[total <= 50] = ""
    return np.where(built, code, natural)


def _hundredths(counts: NDArray) -> NDArray[np.float64]:
    """Shares in percent, to 0.01, that sum to 100 exactly (largest remainders)."""
    exact = counts * (10_000 / counts.sum(1, keepdims=True))
    whole = np.floor(exact).astype(int)
    missing = 10_000 - whole.sum(1)
    order = np.argsort(-(exact - whole), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    return (whole + (rank < missing[:, None])) / 100


def _merged(ground: Ground, seed: int) -> tuple[gpd.GeoDataFrame, NDArray[np.intp]]:
    """Blocks of the map (fields and woods joined as an atlas does), and the new row of each."""
    rng = generator(seed, 20)
    blocks = ground.blocks
    kinds = blocks["kind"].to_numpy()
    rural = np.isin(kinds, ["field", "wood", "river", "sugar", "banana"])
    inner = shapely.get_coordinates(shapely.point_on_surface(blocks.geometry.values))
    west, south, east, north = ground.grid.bounds
    step = 560.0
    sx, sy = np.meshgrid(np.arange(west, east, step), np.arange(south, north, step))
    seeds = np.column_stack([sx.ravel(), sy.ravel()]) + rng.uniform(0, step, (sx.size, 2))
    from scipy.spatial import KDTree

    near = KDTree(seeds).query(inner)[1]
    label = np.where(rural, near, len(seeds) + np.arange(len(blocks)))
    keys = pd.DataFrame({"kind": kinds, "insee": blocks["insee"].to_numpy(), "label": label})
    group = keys.groupby(["insee", "kind", "label"], sort=True).ngroup().to_numpy()
    inside = (blocks["insee"] != "").to_numpy()
    shapes: list[shapely.Geometry] = []
    names: list[str] = []
    codes: list[str] = []
    rows = np.full(len(blocks), -1, np.intp)
    values = np.asarray(blocks.geometry.values)
    for number in np.unique(group[inside]):
        members = np.flatnonzero(inside & (group == number))
        whole = (
            shapely.coverage_union_all(values[members]) if len(members) > 1 else values[members[0]]
        )
        parts = shapely.get_parts(whole)
        for part in parts:
            mine = members
            if len(parts) > 1:
                shapely.prepare(part)
                mine = members[shapely.contains_xy(part, *inner[members].T)]
            rows[mine] = len(shapes)
            shapes.append(part)
            names.append(kinds[members[0]])
            codes.append(keys["insee"][members[0]])
    table = gpd.GeoDataFrame({"kind": names, "insee": codes}, geometry=shapes, crs=ground.crs)
    return table, rows


def lcz_blocks(ground: Ground, seed: int) -> gpd.GeoDataFrame:
    """Indicators and class of every block, measured on the ground's own 5 m truth.

    Returns
    -------
    GeoDataFrame
        :data:`COLUMNS` and ``kind, insee``, in the ground's CRS.
    """
    table, rows = _merged(ground, seed)
    n = len(table)
    inside = ground.block_id >= 0
    label = np.where(inside, rows[ground.block_id], -1)
    seen = label >= 0
    labels, cover = label[seen], ground.cover[seen]
    count = np.bincount(labels * 9 + cover, minlength=n * 9).reshape(n, 9).astype(float)
    green = count[:, [Cover.GRASS, Cover.CROP, Cover.SHRUB, Cover.TREE]].sum(1)
    five = np.column_stack(
        [count[:, Cover.BUILDING], count[:, Cover.MINERAL], count[:, Cover.BARE],
         count[:, Cover.WATER] + count[:, Cover.SEA], green]
    )  # fmt: skip
    empty = five.sum(1) == 0
    five[empty, 4] = 1.0
    rates = _hundredths(five)
    for k, name in enumerate(["bur", "ror", "bsr", "war", "ver"]):
        table[name] = rates[:, k]
    trees = count[:, Cover.TREE] / np.maximum(green, 1) * 100
    table["vhr"] = np.round(np.where(rates[:, 4] > 0, trees, 0), 2)
    home = rows[ground.buildings["block"].to_numpy()]
    has = home >= 0
    size = ground.buildings.geometry.area.to_numpy()[has]
    tall = ground.buildings["height"].to_numpy()[has]
    number = np.bincount(home[has], minlength=n)
    with np.errstate(invalid="ignore"):
        table["hre"] = np.round(np.bincount(home[has], tall, n) / number, 1)
        table["are"] = np.round(np.bincount(home[has], size, n) / number, 1)
    table[["hre", "are"]] = table[["hre", "are"]].fillna(0.0)
    middle = shapely.get_coordinates(shapely.point_on_surface(table.geometry.values)).astype(int)
    table["identifier"] = [f"FX{i:05d}-E{x}N{y}" for i, (x, y) in enumerate(middle)]
    table["lcz"] = cerema_class(table)
    table["lcz_int"] = [_CODES.get(code, 0) for code in table["lcz"]]
    return table[[*COLUMNS, "kind", "insee", "geometry"]]


def _style() -> str:
    """QGIS style with the official colours."""
    rows, symbols = [], []
    for i, (code, (label, colour)) in enumerate(_COLOURS.items()):
        r, g, b = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
        rows.append(
            f'<category value="{code}" label="{code} - {label}" symbol="{i}" render="true"/>'
        )
        symbols.append(
            f'<symbol type="fill" name="{i}"><layer class="SimpleFill">'
            f'<prop k="color" v="{r},{g},{b},255"/><prop k="outline_style" v="no"/>'
            "</layer></symbol>"
        )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis version=\"3.28\">"
        '<renderer-v2 type="categorizedSymbol" attr="lcz"><categories>'
        + "".join(rows)
        + "</categories><symbols>"
        + "".join(symbols)
        + "</symbols></renderer-v2></qgis>\n"
    )


def write_archive(blocks: gpd.GeoDataFrame, folder: Path) -> Path:
    """Write the blocks as Cerema's zip: .shp .shx .dbf .prj .qml, ISO-8859-1."""
    name = f"LCZ_SPOT_2022_{AREA}"
    target = folder / f"{name}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    table = blocks[[*COLUMNS, "geometry"]].copy()
    table["lcz_int"] = table["lcz_int"].astype("int32")
    with tempfile.TemporaryDirectory(dir=folder) as work:
        shp = Path(work) / f"{name}.shp"
        pyogrio.write_dataframe(
            table, shp, driver="ESRI Shapefile", encoding="ISO-8859-1", geometry_type="Polygon",
            layer_options={"DBF_DATE_LAST_UPDATE": "2025-01-01"},
        )  # fmt: skip
        shp.with_suffix(".qml").write_text(_style(), encoding="utf-8")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for suffix in (".shp", ".shx", ".dbf", ".prj", ".qml"):
                entry = zipfile.ZipInfo(f"{name}{suffix}", _DATED)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, shp.with_suffix(suffix).read_bytes())
    return target


def write_truth(tables: dict[str, gpd.GeoDataFrame], path: Path) -> None:
    """Write the true blocks of every area, one layer each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for layer, table in tables.items():
        pyogrio.write_dataframe(table, path, layer=layer, driver="GPKG", append=path.exists())
