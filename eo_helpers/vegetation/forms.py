"""Forms of vegetation as polygons: trees alone, rows, woods, shrubs likewise, lawns, meadows.

Columns and codes are Green Urban Sat's (Cerema, CNES and partners); its confidence columns,
which its authors leave empty, are filled.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio.features
import shapely
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtr
from skimage.morphology import disk

from ..errors import InvalidInput
from .landscape import Context, Zones, zones
from .shapes import ISOLATED, ROW, SHRUBS, TREES, WOOD, Rules, aligned, shape_of
from .strata import HERB, SHRUB, TREE

__all__ = ["COLUMNS", "FORMS", "forms"]

#: Codes of forms, by stratum and shape.
FORMS = {
    "AI": "arbre isolé", "AA": "alignement d'arbres", "BOA": "boisement arboré",
    "AuI": "arbuste isolé", "AAu": "alignement d'arbustes", "BOAu": "boisement arbustif",
    "PR": "prairie", "C": "culture", "PE": "pelouse",
}  # fmt: skip
#: Green Urban Sat's columns, in its order; ``idc_forme`` is ours.
COLUMNS = (
    "fid", "strate", "fv", "paysage", "surface", "h_moy", "h_med", "h_et", "h_min", "h_max",
    "perc_persistant", "perc_caduc", "perc_conifere", "perc_feuillu", "type_sol",
    "idc_surface", "idc_h", "idc_prescadu", "idc_coniffeuil", "idc_typesol", "idc_forme",
)  # fmt: skip
_BY_SHAPE = {TREE: ("AI", "AA", "BOA"), SHRUB: ("AuI", "AAu", "BOAu")}
_STRATA = {TREE: "A", SHRUB: "Au", HERB: "H"}
#: Error of a height that is the same over an object (terrain under the crown), metres.
_BIAS = 0.15
#: A mean height is taken for right within this much, metres.
_RIGHT = 0.5
#: NDVI in winter from which leaves are there, and the doubt about it.
_WINTER, _WINTER_STD = 0.40, 0.08
_LEAST_GRASS = 25.0


@dataclass
class _Pieces:
    """Cells by object, and what each object is."""

    label: NDArray[np.int32]
    stratum: list[int]
    form: list[str]
    sure: list[float]

    def add(self, label: NDArray, stratum: int, names: list[str], sure: list[float]) -> None:
        """Objects 1 … n of another raster, after those that are there."""
        chosen = label > 0
        self.label[chosen] = label[chosen] + len(self.form)
        self.stratum += [stratum] * len(names)
        self.form += names
        self.sure += sure


def forms(
    strata: xr.Dataset,
    height: xr.DataArray,
    context: Context | None = None,
    *,
    trees: Rules = TREES,
    shrubs: Rules = SHRUBS,
    winter_ndvi: xr.DataArray | None = None,
    height_std: float = 0.3,
) -> gpd.GeoDataFrame:
    """Forms of vegetation from its strata.

    Parameters
    ----------
    strata : xarray.Dataset
        Of :func:`.strata.strata`, projected, cells of 2 m at most.
    height : xarray.DataArray (y, x)
        Metres above ground on the same grid.
    context : Context
        Buildings, roads, water, farm parcels: they part lawn from meadow and crop, and give
        ``paysage``. Without parcels no crop can be told from a meadow.
    trees, shrubs : Rules
        Limits between isolated, row and wood.
    winter_ndvi : xarray.DataArray, optional
        NDVI of a winter image on the same grid, for evergreen and deciduous.
    height_std : float
        Standard deviation of a height, metres.

    Returns
    -------
    geopandas.GeoDataFrame
        :data:`COLUMNS` and the geometry, in the grid's CRS. Confidences lie between 0 and 1:
        ``idc_surface`` is the mean probability that the polygon's cells are of its stratum
        (the share of it that is expected to be so), ``idc_h`` the probability that the mean
        height is right within 0.5 m, ``idc_forme`` how far the shape lies from a limit.
        What nothing tells is empty with a confidence of 0. ``attrs["context"]`` names the
        layers that were used.

    Raises
    ------
    InvalidInput
        If the grid is in degrees or its cells are too large for single trees.
    """
    like = strata["stratum"]
    place = zones(like, context or Context())
    step = float(abs(like.rio.resolution()[0]))
    if step > 2.0 + 1e-6:
        raise InvalidInput(
            f"Des cellules de {step:g} m sont trop grandes pour des arbres isolés : il faut 2 m "
            "ou moins (LiDAR HD MNH et BD ORTHO IRC).",
            f"Cells of {step:g} m are too large for single trees: 2 m or less is needed.",
        )
    value = like.values
    pieces = _Pieces(np.zeros(value.shape, np.int32), [], [], [])
    tops = _tree_tops(height, value == TREE, step)
    for code, rules in ((TREE, trees), (SHRUB, shrubs)):
        _woody(pieces, value == code, code, rules, like, tops)
    _grass(pieces, value == HERB, place, step)
    table = _polygons(pieces, like)
    if table.empty:
        return table
    _measure(table, pieces.label, height, step)
    _tell(table, pieces, strata, place, winter_ndvi, height_std)
    table.attrs["context"] = place.told
    table.attrs.update(strata.attrs)
    return table[[*COLUMNS, "geometry"]]


def _woody(
    pieces: _Pieces, mask: NDArray[np.bool_], code: int, rules: Rules, like: xr.DataArray,
    tops: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Objects of trees or of shrubs: woods without the rows that leave them, rows, single ones."""
    label = _split_rows(_closed(mask), rules, like)
    number, shapes = _outlines(label, like)
    if not len(number):
        return
    step = float(abs(like.rio.resolution()[0]))
    kind, sure = shape_of(shapes, rules, step)
    area = shapely.area(shapes)
    if code == TREE:
        # Several tops are several trees, however small their patch.
        r, c = np.nonzero(tops & (label > 0))
        of = np.searchsorted(number, label[r, c])
        count = np.bincount(of, minlength=len(number))
        several = (kind == ISOLATED) & (count > 1) & (area > rules.isolated / 2.5)
        kind[several], sure[several] = WOOD, np.minimum(sure[several], 0.6)
        at = like.rio.transform()
        x, y = at.c + (c + 0.5) * at.a, at.f + (r + 0.5) * at.e
    else:
        of, count = np.arange(len(number)), np.ones(len(number), np.intp)
        x, y = shapely.get_coordinates(shapely.centroid(shapes)).T
    chosen = (kind[of] == ISOLATED) | (kind[of] == ROW)
    of, spots = of[chosen], np.column_stack([x, y])[chosen]
    row = aligned(spots, area[of] / np.maximum(count[of], 1), rules)
    joined = np.arange(len(number))
    for k in range(row.max() + 1 if len(row) else 0):
        members = np.unique(of[row == k])
        inside = np.bincount(of[row == k], minlength=len(number))[members]
        members = members[inside > 0.5 * count[members]]
        if len(members):
            first = joined[members].min()
            joined[np.isin(joined, joined[members])] = first
            kind[members] = ROW
            sure[members] = np.maximum(sure[members], 1 - 0.5 ** max(len(members) - 1, 1))
    large = np.bincount(joined, area, minlength=len(area)) >= rules.smallest
    keep = np.flatnonzero((joined == np.arange(len(joined))) & large)
    place = np.zeros(len(number), np.int32)
    place[keep] = np.arange(1, len(keep) + 1)
    lookup = np.zeros(int(number.max()) + 1, np.int32)
    lookup[number] = place[joined]
    names = _BY_SHAPE[code]
    pieces.add(lookup[label], code, [names[k] for k in kind[keep]], list(sure[keep]))


def _tree_tops(height: xr.DataArray, trees: NDArray[np.bool_], step: float) -> NDArray[np.bool_]:
    """Highest points of crowns: local maxima in 5 m of smoothed heights.

    Source: Popescu & Wynne (2004), Photogrammetric Engineering & Remote Sensing 70, 589-604.
    """
    metres = np.where(trees, np.nan_to_num(height.values), 0).astype(np.float32)
    smooth = ndimage.gaussian_filter(metres, 1.0 / step)
    highest = ndimage.maximum_filter(smooth, footprint=disk(max(round(2.5 / step), 1)))
    return np.asarray((smooth == highest) & trees)


def _closed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Single holes of a crown, where a beam went through, belong to it."""
    holes = ~mask
    label, count = ndimage.label(holes)
    size = np.bincount(label.ravel(), minlength=count + 1)
    size[0] = 10
    return np.asarray(mask | (holes & (size <= 2)[label]))


def _split_rows(mask: NDArray[np.bool_], rules: Rules, like: xr.DataArray) -> NDArray[np.int32]:
    """Labels of patches, with rows cut from the woods that they touch."""
    step = float(abs(like.rio.resolution()[0]))
    radius = rules.row_width / 2 / step
    eight = np.ones((3, 3))
    inner = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] >= radius
    leave = np.zeros(mask.shape, bool)
    if inner.any():
        core = (ndimage.distance_transform_edt(~inner) < radius) & mask
        thin, count = ndimage.label(mask & ~core, eight)
        size = np.bincount(thin.ravel(), minlength=count + 1) * step**2
        size[0] = 0
        # What is no row by itself is the ragged edge of its wood.
        thin[(size < rules.row_length * step)[thin]] = 0
        number, shapes = _outlines(thin, like)
        kind, _ = shape_of(shapes, rules, step)
        leave = np.isin(thin, number[kind == ROW])
    first, n = ndimage.label(mask & ~leave, eight)
    second, _ = ndimage.label(leave, eight)
    return np.where(leave, second + n, first).astype(np.int32)


def _grass(pieces: _Pieces, mask: NDArray[np.bool_], place: Zones, step: float) -> None:
    """Lawns, meadows and crops: connected grass of one use."""
    for name, where in (
        ("PE", place.town),
        ("C", place.field == 1),
        ("PR", (place.field == 2) | ((place.field == 0) & ~place.town)),
    ):
        label, count = ndimage.label(mask & where)
        large = np.bincount(label.ravel(), minlength=count + 1) * step**2 >= _LEAST_GRASS
        large[0] = False
        number = np.where(large, np.cumsum(large), 0).astype(np.int32)
        # With parcels the use of a field is known; elsewhere distance to buildings decides.
        sure = 0.95 if name == "C" or "parcels" in place.told else 0.7
        if "buildings" not in place.told and "parcels" not in place.told:
            sure = 0.5
        total = int(large.sum())
        pieces.add(number[label], HERB, [name] * total, [sure] * total)


def _outlines(label: NDArray[np.int32], like: xr.DataArray) -> tuple[NDArray[np.intp], NDArray]:
    """Numbers and outlines of the objects of a raster, parts put together."""
    found = rasterio.features.shapes(
        label.astype(np.int32), mask=label > 0, connectivity=4, transform=like.rio.transform()
    )
    numbers, rings, owner = [], [], []
    for k, (outline, value) in enumerate(found):
        numbers.append(int(value))
        rings += outline["coordinates"]
        owner += [k] * len(outline["coordinates"])
    if not numbers:
        return np.array([], np.intp), np.array([], object)
    # All at once: one geometry at a time takes most of the work's time.
    lengths = [len(r) for r in rings]
    points = np.concatenate([np.asarray(r, float) for r in rings])
    lines = shapely.linearrings(points, indices=np.repeat(np.arange(len(rings)), lengths))
    shapes = np.asarray(shapely.polygons(lines, indices=owner), object)
    # Parts of an object that touch by corners only are valid together; one outline through
    # these corners would not be, and mending it is slow.
    unique, index, count = np.unique(numbers, return_inverse=True, return_counts=True)
    order = np.argsort(index, kind="stable")
    whole = shapely.multipolygons(shapes[order], indices=index[order])
    single = count == 1
    whole[single] = shapely.get_geometry(whole[single], 0)
    return unique.astype(np.intp), whole


def _polygons(pieces: _Pieces, like: xr.DataArray) -> gpd.GeoDataFrame:
    number, shapes = _outlines(pieces.label, like)
    at = number - 1
    table = gpd.GeoDataFrame(
        {
            "fid": number,
            "strate": [_STRATA[pieces.stratum[k]] for k in at],
            "fv": [pieces.form[k] for k in at],
            "idc_forme": np.round([pieces.sure[k] for k in at], 3) if len(at) else [],
        },
        geometry=list(shapes),
        crs=like.rio.crs,
    )
    for name in COLUMNS:
        if name not in table:
            table[name] = np.nan
    table["surface"] = np.round(table.area, 1)
    return table


def _measure(table: gpd.GeoDataFrame, label: NDArray, height: xr.DataArray, step: float) -> None:
    """Heights of each object: mean, median, standard deviation, tenth and ninetieth percentiles."""
    h = height.values
    use = (label > 0) & np.isfinite(h)
    cells = pd.Series(h[use].astype(np.float32)).groupby(label[use])
    spread = cells.quantile(np.array([0.1, 0.5, 0.9])).unstack()
    number = table["fid"].to_numpy()
    for name, values in (
        ("h_moy", cells.mean()), ("h_et", cells.std(ddof=0)), ("h_min", spread[0.1]),
        ("h_med", spread[0.5]), ("h_max", spread[0.9]),
    ):  # fmt: skip
        table[name] = np.round(values.reindex(number).to_numpy(float), 2)
    count = np.bincount(label.ravel(), minlength=int(number.max()) + 1)
    known = np.bincount(label[use], minlength=int(number.max()) + 1)
    table["_cells"], table["_known"] = count[number], known[number]


def _tell(
    table: gpd.GeoDataFrame, pieces: _Pieces, strata: xr.Dataset, place: Zones,
    winter: xr.DataArray | None, height_std: float,
) -> None:  # fmt: skip
    """Landscape, leaves in winter, and every confidence."""
    label, number = pieces.label, table["fid"].to_numpy()
    size = int(number.max()) + 1
    inside = label > 0
    of = label[inside]
    own = np.zeros(len(of), np.float32)
    code = np.array([0, *pieces.stratum])[of]
    for k, name in ((HERB, "herb"), (SHRUB, "shrub"), (TREE, "tree")):
        chance = strata[name].values[inside]
        own = np.where(code == k, chance, own)
    count = table["_cells"].to_numpy(float)
    table["idc_surface"] = np.round(np.bincount(of, np.nan_to_num(own), size)[number] / count, 3)
    known = table["_known"].to_numpy(float)
    error = np.sqrt(_BIAS**2 + height_std**2 / np.maximum(known, 1))
    table["idc_h"] = np.round((2 * ndtr(_RIGHT / error) - 1) * known / count, 3)
    votes = np.stack([np.bincount(of, place.paysage[inside] == p, size) for p in range(1, 6)])
    table["paysage"] = votes[:, number].argmax(0) + 1
    if winter is not None:
        leaf = ndtr((winter.values[inside] - _WINTER) / _WINTER_STD)
        told = np.isfinite(leaf)
        seen = np.maximum(np.bincount(of, told, size)[number], 1)
        share = np.bincount(of, np.nan_to_num(leaf), size)[number] / seen
        sure = np.bincount(of, np.nan_to_num(np.abs(2 * leaf - 1)), size)[number] / count
        woody = table["strate"].isin(["A", "Au"]).to_numpy()
        table["perc_persistant"] = np.where(woody, np.round(100 * share, 1), np.nan)
        table["perc_caduc"] = np.where(woody, np.round(100 - 100 * share, 1), np.nan)
        table["idc_prescadu"] = np.where(woody, np.round(sure, 3), 0.0)
    else:
        table["idc_prescadu"] = 0.0
    # No input tells needles from leaves, or the ground below: said as a confidence of nought.
    table["idc_coniffeuil"] = table["idc_typesol"] = 0.0
    table["type_sol"] = None
    del table["_cells"], table["_known"]
