"""LCZ from a multispectral image and training areas: the WUDAPT protocol.

A person draws areas whose class is known, a random forest learns what they look like,
and every pixel gets the class that most trees vote for, with its probability. Source:
Bechtel et al. (2015), ISPRS Int. J. Geo-Information 4, 199-219; Demuzere, Kittner &
Bechtel (2021), Frontiers in Environmental Science 9, 637455 (LCZ Generator).

How good the map is is told by :mod:`.accuracy`, and only there: pixels of one training
area are copies of one another, so a split between random pixels measures memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import rasterio.features
import rioxarray  # noqa: F401  (registers the .rio accessor)
import shapely
import xarray as xr
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier

from ...errors import InvalidInput
from ..schema import CODES, index_from_codes, normalise_codes

__all__ = [
    "LCZ_CODES",
    "SENTINEL2_BANDS",
    "TrainingSet",
    "features",
    "post_filter",
    "predict",
    "sample",
    "train",
]

#: Class of each WUDAPT code: 1-10 built, 11-17 = A-G.
LCZ_CODES: dict[int, str] = dict(enumerate(CODES, start=1))
#: Names that a Sentinel-2 band goes by → the role it plays.
SENTINEL2_BANDS: dict[str, str] = {
    "B02": "blue",
    "B03": "green",
    "B04": "red",
    "B08": "nir",
    "B11": "swir1",
    "B12": "swir2",
    "swir16": "swir1",
    "swir22": "swir2",
    "B2": "blue",
    "B3": "green",
    "B4": "red",
    "B8": "nir",
}
#: Normalised differences (sum of the first - sum of the second) / (sum of both).
_INDICES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "NDVI": (("nir",), ("red",)),  # Rouse et al. 1974
    "NDWI": (("green",), ("nir",)),  # McFeeters 1996
    "MNDWI": (("green",), ("swir1",)),  # Xu 2006
    "NDBI": (("swir1",), ("nir",)),  # Zha et al. 2003
    "BSI": (("swir1", "red"), ("nir", "blue")),  # Rikimaru et al. 2002
}


@dataclass(frozen=True)
class TrainingSet:
    """Pixels whose class is known, with the training area that each is from.

    ``values`` (pixels, features) float32; ``classes`` WUDAPT codes; ``polygons`` row of the
    training area; ``x``, ``y`` pixel centres in ``crs``; ``names`` of the features;
    ``notes`` sentences on what was left out.
    """

    values: NDArray[np.float32]
    classes: NDArray[np.int16]
    polygons: NDArray[np.int32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    names: tuple[str, ...]
    crs: str
    notes: tuple[dict[str, str], ...] = field(default=())


def features(
    image: xr.DataArray,
    bands: Mapping[str, object] | None = None,
    windows: Sequence[int] = (3, 9),
    cell: int = 1,
) -> xr.DataArray:
    """What the forest looks at: bands, spectral indices, and their neighbourhood.

    Parameters
    ----------
    image : xarray.DataArray, dims (band, y, x)
        Reflectance (any linear scale), with CRS and transform (rioxarray), no data as NaN
        or as the declared nodata value.
    bands : mapping, optional
        Role → label on the ``band`` coordinate, such as ``{"red": 4, "nir": "B08"}``; by
        default the roles ``blue, green, red, nir, swir1, swir2`` and the names of
        :data:`SENTINEL2_BANDS` are recognised. Without any role only the bands themselves
        and their neighbourhood are used.
    windows : sequence of int
        Odd widths, pixels, in which local mean and standard deviation are taken of
        each band and index.
    cell : int
        Side of the result's pixels, in pixels of the image: each feature is worked out on
        the image as it is, then averaged. Local Climate Zones are hundreds of metres wide.

    Returns
    -------
    xarray.DataArray, dims (feature, y, x), float32
        NaN where any band has no data.

    Raises
    ------
    InvalidInput
        No CRS, wrong dimensions, nothing but no data, an even window, an unknown band.
    """
    if image.ndim != 3 or image.dims[1:] != ("y", "x"):
        raise InvalidInput(
            f"L'image a les dimensions {image.dims} : (bande, y, x) sont attendues.",
            f"The image has dimensions {image.dims}: (band, y, x) are expected.",
        )
    if image.rio.crs is None:
        raise InvalidInput(
            "L'image ne dit pas son système de coordonnées : donnez un GeoTIFF géoréférencé.",
            "The image does not state its CRS: give a georeferenced GeoTIFF.",
        )
    if any(w < 1 or w % 2 == 0 for w in windows):
        raise InvalidInput(
            "Les fenêtres de voisinage sont des nombres impairs de pixels (3, 9 …).",
            "Neighbourhood windows are odd numbers of pixels (3, 9 …).",
        )
    if cell < 1 or cell > min(image.shape[1:]):
        raise InvalidInput(
            f"Des pixels de {cell} × {cell} pixels de l'image ne se peuvent pas : elle en a "
            f"{image.shape[2]} × {image.shape[1]}.",
            f"Pixels of {cell} × {cell} pixels of the image cannot be: it has "
            f"{image.shape[2]} × {image.shape[1]}.",
        )
    values = image.values.astype(np.float32)
    nodata = image.rio.nodata
    if nodata is not None and not np.isnan(nodata):
        values[values == np.float32(nodata)] = np.nan
    void = ~np.isfinite(values).all(axis=0)
    # Sentinel-2 fills what was not seen with zeros in every band.
    void |= (values == 0).all(axis=0)
    if void.all():
        raise InvalidInput(
            "L'image ne contient aucun pixel valide : que des valeurs sans donnée.",
            "The image holds no valid pixel: nothing but no data.",
        )
    values[:, void] = np.nan

    labels = [str(b) for b in image[image.dims[0]].values]
    layers: dict[str, NDArray[np.float32]] = dict(zip(labels, values, strict=True))
    role = _roles(labels, bands)
    for name, (first, second) in _INDICES.items():
        if {*first, *second} <= set(role):
            plus = np.sum([values[role[r]] for r in first], axis=0)
            minus = np.sum([values[role[r]] for r in second], axis=0)
            total = plus + minus
            layers[name] = np.divide(
                plus - minus, total, out=np.zeros_like(total), where=np.abs(total) > 1e-12
            )
            layers[name][void] = np.nan
    stack = {name: _coarser(layer, cell) for name, layer in layers.items()}
    for width in windows:
        if width > 1:
            for name, layer in layers.items():
                mean, std = _local(layer, void, width)
                stack[f"{name}_mean{width}"] = _coarser(mean, cell)
                stack[f"{name}_std{width}"] = _coarser(std, cell)
    rows, columns = next(iter(stack.values())).shape
    transform = image.rio.transform()
    transform = transform @ transform.scale(cell)
    x = transform.c + transform.a * (np.arange(columns) + 0.5)
    y = transform.f + transform.e * (np.arange(rows) + 0.5)
    result = xr.DataArray(
        np.stack(list(stack.values())),
        dims=("feature", "y", "x"),
        coords={"feature": list(stack), "y": y, "x": x},
        name="features",
    )
    return result.rio.write_crs(image.rio.crs).rio.write_transform(transform)


def sample(
    stack: xr.DataArray,
    training: gpd.GeoDataFrame,
    column: str = "lcz",
    max_pixels: int | None = 500,
    seed: int = 0,
) -> TrainingSet:
    """Pixels of the training areas.

    Parameters
    ----------
    stack : xarray.DataArray
        From :func:`features`.
    training : geopandas.GeoDataFrame
        Polygons with a class in ``column``: 1-10, A-G, 11-17 or 101-107.
    column : str
        Column of the class.
    max_pixels : int or None
        At most so many pixels of one area (drawn at random): a lake must not outweigh
        twenty blocks.
    seed : int
        Seed of that draw.

    Returns
    -------
    TrainingSet
        Pixels whose centre is in one area only.

    Raises
    ------
    InvalidInput
        No CRS, no such column, an unknown class, every area outside the image or on no
        data, fewer than two classes.
    """
    if training.crs is None:
        raise InvalidInput(
            "Les zones d'entraînement ne disent pas leur système de coordonnées.",
            "The training areas do not state their CRS.",
        )
    if column not in training.columns:
        raise InvalidInput(
            f"Les zones d'entraînement n'ont pas de colonne « {column} » avec la classe LCZ.",
            f"The training areas have no column '{column}' with the LCZ class.",
        )
    codes = (index_from_codes(normalise_codes(training[column])) + 1).astype(np.int16)
    crs = stack.rio.crs
    shapes = training.to_crs(crs).geometry.to_numpy()
    transform, size = stack.rio.transform(), stack.shape[1:]
    extent = shapely.box(*stack.rio.bounds())
    owner = np.zeros(size, np.int32)
    claims = np.zeros(size, np.uint8)
    for row, shape in enumerate(shapes):
        if codes[row] == 0 or shape is None or not shape.intersects(extent):
            continue
        inside = rasterio.features.geometry_mask([shape], size, transform, invert=True)
        owner[inside] = row + 1
        claims[inside] += 1
    valid = np.isfinite(stack.values).all(axis=0)
    taken = (claims == 1) & valid
    rows, columns = np.nonzero(taken)
    polygons = owner[rows, columns] - 1
    if not len(polygons):
        raise InvalidInput(
            "Aucune zone d'entraînement ne tombe sur des pixels valides de l'image : "
            "vérifiez leur emprise et leur système de coordonnées.",
            "No training area falls on valid pixels of the image: check their extent and CRS.",
        )
    keep = _thin(polygons, max_pixels, seed)
    rows, columns, polygons = rows[keep], columns[keep], polygons[keep]
    classes = codes[polygons]
    if len(np.unique(classes)) < 2:
        raise InvalidInput(
            f"Les zones d'entraînement ne contiennent qu'une classe "
            f"({LCZ_CODES[int(classes[0])]}) : il en faut au moins deux.",
            f"The training areas hold one class only ({LCZ_CODES[int(classes[0])]}): at least "
            "two are needed.",
        )
    notes = []
    if lost := len(shapes) - len(np.unique(polygons)):
        notes.append(
            {
                "fr": f"{lost} zone(s) d'entraînement sans classe, hors de l'image, sans pixel "
                "valide ou entièrement recouvertes par une autre sont laissées de côté.",
                "en": f"{lost} training area(s) without a class, outside the image, without a "
                "valid pixel or wholly under another are left out.",
            }
        )
    if overlap := int((claims > 1).sum()):
        notes.append(
            {
                "fr": f"{overlap} pixel(s) appartenant à plusieurs zones d'entraînement sont "
                "laissés de côté.",
                "en": f"{overlap} pixel(s) in several training areas are left out.",
            }
        )
    return TrainingSet(
        values=stack.values[:, rows, columns].T.astype(np.float32),
        classes=classes,
        polygons=polygons.astype(np.int32),
        x=stack["x"].values[columns].astype(float),
        y=stack["y"].values[rows].astype(float),
        names=tuple(str(f) for f in stack["feature"].values),
        crs=crs.to_string(),
        notes=tuple(notes),
    )


def train(training: TrainingSet, trees: int = 200, seed: int = 0) -> RandomForestClassifier:
    """Random forest (Breiman 2001) on all training pixels, classes weighted equally."""
    forest = RandomForestClassifier(
        n_estimators=trees,
        class_weight="balanced_subsample",
        min_samples_leaf=2,
        n_jobs=-1,
        random_state=seed,
    )
    return forest.fit(training.values, training.classes)


def predict(forest: RandomForestClassifier, stack: xr.DataArray) -> xr.Dataset:
    """Class and class probabilities of every pixel.

    Parameters
    ----------
    forest : sklearn.ensemble.RandomForestClassifier
        From :func:`train`, on the same features.
    stack : xarray.DataArray
        From :func:`features`.

    Returns
    -------
    xarray.Dataset
        ``lcz`` uint8 (y, x), WUDAPT codes, 0 where there is no data; ``probability``
        float32 (class, y, x); ``confidence`` the largest of them; ``margin`` by how much it
        beats the second.

    Raises
    ------
    InvalidInput
        If the features are not as many as the forest learnt from.
    """
    count = stack.sizes["feature"]
    if forest.n_features_in_ != count:
        raise InvalidInput(
            f"Le modèle attend {forest.n_features_in_} variables, l'image en donne {count}.",
            f"The model expects {forest.n_features_in_} features, the image gives {count}.",
        )
    flat = stack.values.reshape(count, -1)
    valid = np.isfinite(flat).all(axis=0)
    probability = np.full((len(forest.classes_), flat.shape[1]), np.nan, np.float32)
    where = np.flatnonzero(valid)
    for part in np.array_split(where, max(1, len(where) // 200_000)):
        if len(part):
            probability[:, part] = forest.predict_proba(flat[:, part].T).T
    return _vote(probability.reshape(-1, *stack.shape[1:]), forest.classes_, stack)


def post_filter(prediction: xr.Dataset, sigma_m: float | Mapping[int, float] = 100.0) -> xr.Dataset:
    """Smooth the class probabilities in space and vote again.

    Parameters
    ----------
    prediction : xarray.Dataset
        From :func:`predict`; CRS in metres.
    sigma_m : float or mapping of code to float
        Standard deviation of the Gaussian, m, for all classes or class by class
        (Demuzere et al. 2020, Scientific Data 7, 264 smooth broad classes more than
        narrow ones, such as water).

    Returns
    -------
    xarray.Dataset
        As :func:`predict`. A zone of some hundred metres is what an LCZ is defined for:
        single pixels are not zones.
    """
    resolution = abs(float(prediction.rio.resolution()[0]))
    if prediction.rio.crs is None or prediction.rio.crs.is_geographic:
        raise InvalidInput(
            "Le filtrage demande une carte dans un système de coordonnées en mètres.",
            "Filtering needs a map in a CRS of metres.",
        )
    values = prediction["probability"].values
    valid = np.isfinite(values).all(axis=0)
    smooth = np.empty_like(values)
    for index, code in enumerate(prediction["class"].values):
        sigma = sigma_m.get(int(code), 0.0) if isinstance(sigma_m, Mapping) else sigma_m
        sigma /= resolution
        total = ndimage.gaussian_filter(np.where(valid, values[index], 0.0), sigma)
        weight = ndimage.gaussian_filter(valid.astype(np.float32), sigma)
        smooth[index] = np.where(valid, total / np.maximum(weight, 1e-9), np.nan)
    smooth /= np.maximum(smooth.sum(axis=0), 1e-9)
    return _vote(smooth, prediction["class"].values, prediction)


def _vote(
    probability: NDArray[np.float32], classes: NDArray[np.int16], like: xr.DataArray | xr.Dataset
) -> xr.Dataset:
    valid = np.isfinite(probability).all(axis=0)
    ranked = np.sort(np.where(valid, probability, 0), axis=0)
    best = np.argmax(np.where(valid, probability, -1), axis=0)
    code = np.where(valid, np.asarray(classes)[best], 0).astype(np.uint8)
    first = np.where(valid, ranked[-1], np.nan).astype(np.float32)
    second = np.where(valid, ranked[-2], np.nan).astype(np.float32)
    result = xr.Dataset(
        {
            "lcz": (("y", "x"), code, {"_FillValue": 0}),
            "probability": (("class", "y", "x"), probability.astype(np.float32)),
            "confidence": (("y", "x"), first),
            "margin": (("y", "x"), first - second),
        },
        coords={"class": np.asarray(classes).astype(int), "y": like["y"], "x": like["x"]},
    )
    return result.rio.write_crs(like.rio.crs).rio.write_transform(like.rio.transform())


def _roles(labels: list[str], bands: Mapping[str, object] | None) -> dict[str, int]:
    if bands is None:
        lower = {name.lower(): role for name, role in SENTINEL2_BANDS.items()}
        lower.update({role: role for role in SENTINEL2_BANDS.values()})
        return {lower[b.lower()]: i for i, b in enumerate(labels) if b.lower() in lower}
    known = set(SENTINEL2_BANDS.values())
    for name, label in bands.items():
        if name not in known or str(label) not in labels:
            raise InvalidInput(
                f"Bande « {name} » = {label} : les rôles sont {', '.join(sorted(known))}, "
                f"les bandes de l'image {', '.join(labels)}.",
                f"Band '{name}' = {label}: roles are {', '.join(sorted(known))}, bands of the "
                f"image {', '.join(labels)}.",
            )
    return {name: labels.index(str(label)) for name, label in bands.items()}


def _local(
    layer: NDArray[np.float32], void: NDArray[np.bool_], width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of the valid pixels in a square window."""
    # About the mean, else squares of reflectances of thousands lose their digits.
    centre = float(np.nanmean(layer))
    filled = np.where(void, 0.0, layer - centre)
    share = ndimage.uniform_filter((~void).astype(float), width, mode="nearest")
    share = np.maximum(share, 1e-9)
    mean = ndimage.uniform_filter(filled, width, mode="nearest") / share
    square = ndimage.uniform_filter(filled**2, width, mode="nearest") / share
    std = np.sqrt(np.maximum(square - mean**2, 0.0))
    mean, std = mean + centre, std
    mean[void] = std[void] = np.nan
    return mean.astype(np.float32), std.astype(np.float32)


def _coarser(layer: NDArray[np.float32], cell: int) -> NDArray[np.float32]:
    """Mean of the valid pixels of each square of ``cell``; NaN where under half are."""
    if cell == 1:
        return layer
    rows, columns = (size // cell for size in layer.shape)
    squares = layer[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
    valid = np.isfinite(squares)
    count = valid.sum(axis=(1, 3))
    total = np.where(valid, squares, 0.0).sum(axis=(1, 3))
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=2 * count >= cell**2)
    return mean.astype(np.float32)


def _thin(polygons: NDArray[np.int32], most: int | None, seed: int) -> NDArray[np.intp]:
    """Positions of at most ``most`` pixels of each area."""
    if most is None:
        return np.arange(len(polygons))
    shuffled = np.random.default_rng(seed).permutation(len(polygons))
    order = shuffled[np.argsort(polygons[shuffled], kind="stable")]
    starts = np.flatnonzero(np.diff(polygons[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff([*starts, len(order)]))
    return np.sort(order[rank < most])
