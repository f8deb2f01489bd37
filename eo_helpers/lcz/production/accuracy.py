"""How well a classification by training areas works where it has not been trained.

Training areas are held out whole, together with every other area of the same
spatial block: neither a polygon nor a block is ever on both sides. That is repeated with
other folds, and intervals come from resampling those groups, so they tell of both the
choice of folds and the choice of places. There is no split between random pixels here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from ...errors import InvalidInput
from . import stewart_oke
from .wudapt import LCZ_CODES, TrainingSet, train

__all__ = ["Evaluation", "evaluate", "metrics", "similarity", "spatial_groups"]

_CODES = np.array(list(LCZ_CODES))


@dataclass(frozen=True)
class Evaluation:
    """Accuracy where the classifier was not trained.

    ``overall``: one row a measure (``OA, OAu, OAbu, OAw, kappa``) with ``value, low,
    high`` (95 %). ``by_class``: one row a class with ``f1, low, high, support`` (pixels),
    ``areas``, ``groups``, ``evaluated``. ``confusion``: mean number of pixels, reference
    in rows. ``notes``: what must be said beside the figures.
    """

    overall: pd.DataFrame
    by_class: pd.DataFrame
    confusion: pd.DataFrame
    groups: int
    folds: int
    repeats: int
    block_m: float
    notes: tuple[dict[str, str], ...] = field(default=())


def spatial_groups(training: TrainingSet, block_m: float = 1000.0) -> NDArray[np.int32]:
    """Group of each pixel: areas that share a block of ``block_m`` metres go together.

    An area that reaches over several blocks ties them: groups are the connected
    components of areas and blocks, so that no area and no block is ever divided.
    """
    if not block_m > 0:
        raise InvalidInput(
            "Le côté d'un bloc spatial doit être un nombre de mètres positif.",
            "The side of a spatial block must be a positive number of metres.",
        )
    column = np.floor((training.x - training.x.min()) / block_m).astype(int)
    row = np.floor((training.y - training.y.min()) / block_m).astype(int)
    _, block = np.unique(row * (column.max() + 1) + column, return_inverse=True)
    _, area = np.unique(training.polygons, return_inverse=True)
    size = area.max() + 1 + block.max() + 1
    links = coo_array((np.ones(len(area)), (area, area.max() + 1 + block)), shape=(size, size))
    _, component = connected_components(links, directed=False)
    return np.asarray(component[area], dtype=np.int32)


def evaluate(
    training: TrainingSet,
    block_m: float = 1000.0,
    folds: int = 5,
    repeats: int = 10,
    trees: int = 100,
    resamples: int = 200,
    seed: int = 0,
    weights: pd.DataFrame | None = None,
) -> Evaluation:
    """Accuracy by grouped, spatially blocked, repeated cross-validation.

    Parameters
    ----------
    training : TrainingSet
        From :func:`.wudapt.sample`, in a CRS of metres.
    block_m : float
        Side of the spatial blocks, m; at least the distance over which the image is alike.
    folds, repeats : int
        Folds of one cross-validation, and how many of them with other folds.
    trees : int
        Trees of each forest.
    resamples : int
        Bootstrap resamples of the groups in each repeat.
    seed : int
        Seed of folds, forests and resamples.
    weights : pandas.DataFrame, optional
        Similarity of classes (rows, columns: LCZ names, 0-1) for OAw; by default
        :func:`similarity`.

    Returns
    -------
    Evaluation
        Percentile intervals, 95 %, over repeats and resamples.

    Raises
    ------
    InvalidInput
        If fewer than two classes have areas in two groups or more.

    Notes
    -----
    A class whose areas all lie in one group cannot be both learnt and tested: its pixels
    are left out of the figures (not out of the forests), and ``notes`` say so.
    """
    group = spatial_groups(training, block_m)
    reference = training.classes
    table = pd.DataFrame({"class": reference, "group": group, "area": training.polygons})
    held = table.groupby("class").agg(
        groups=("group", "nunique"), areas=("area", "nunique"), support=("area", "size")
    )
    testable = held.index[held["groups"] >= 2].to_numpy()
    if len(testable) < 2:
        raise InvalidInput(
            f"Moins de deux classes ont des zones d'entraînement dans deux blocs de "
            f"{block_m:.0f} m ou plus : ajoutez des zones éloignées, sinon rien ne peut être "
            "vérifié.",
            f"Fewer than two classes have training areas in two blocks of {block_m:.0f} m or "
            "more: add areas further apart, else nothing can be checked.",
        )
    group = np.unique(group, return_inverse=True)[1].astype(np.int32)
    count = int(group.max()) + 1
    folds = int(np.clip(folds, 2, min(count, int(held["groups"][testable].max()))))
    tested = np.isin(reference, testable)
    position = np.searchsorted(_CODES, reference)
    size = len(_CODES)
    weight = (similarity() if weights is None else weights).loc[
        list(LCZ_CODES.values()), list(LCZ_CODES.values())
    ]
    generator = np.random.default_rng(seed)
    points, draws, confusions = [], [], []
    for repeat in range(repeats):
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed + repeat)
        guess = np.zeros(len(reference), dtype=int)
        for learn, check in splitter.split(training.values, reference, group):
            part = TrainingSet(
                training.values[learn],
                reference[learn],
                training.polygons[learn],
                training.x[learn],
                training.y[learn],
                training.names,
                training.crs,
            )
            guess[check] = train(part, trees, seed + repeat).predict(training.values[check])
        cell = (group * size + position) * size + np.searchsorted(_CODES, guess)
        by_group = np.bincount(cell[tested], minlength=count * size * size).reshape(count, -1)
        confusion = by_group.sum(axis=0).reshape(size, size)
        confusions.append(confusion)
        points.append(_all_metrics(confusion[None], weight.to_numpy())[0])
        times = generator.multinomial(count, np.full(count, 1 / count), size=resamples)
        drawn = (times @ by_group).astype(float).reshape(-1, size, size)
        draws.append(_all_metrics(drawn, weight.to_numpy()))
    with warnings.catch_warnings():
        # A class that cannot be tested has no figure in any repeat: NaN is the answer.
        warnings.filterwarnings("ignore", "(Mean of empty|All-NaN) slice", RuntimeWarning)
        value = np.nanmean(points, axis=0)
        low, high = np.nanpercentile(np.vstack(draws), [2.5, 97.5], axis=0)
    overall = pd.DataFrame(
        {"value": value[:5], "low": low[:5], "high": high[:5]}, index=list(_MEASURES)
    )
    scores = pd.DataFrame({"f1": value[5:], "low": low[5:], "high": high[5:]}, index=_CODES)
    by_class = scores.loc[held.index].join(held[["support", "areas", "groups"]])
    by_class["evaluated"] = by_class.index.isin(testable)
    by_class.index = [LCZ_CODES[int(c)] for c in by_class.index]
    names = list(LCZ_CODES.values())
    return Evaluation(
        overall=overall,
        by_class=by_class,
        confusion=pd.DataFrame(np.mean(confusions, axis=0), index=names, columns=names),
        groups=count,
        folds=folds,
        repeats=repeats,
        block_m=block_m,
        notes=_notes(by_class, count, block_m),
    )


def metrics(confusion: pd.DataFrame, weights: pd.DataFrame | None = None) -> pd.Series:
    """OA, OAu, OAbu, OAw and κ of a confusion matrix.

    Parameters
    ----------
    confusion : pandas.DataFrame
        Counts; rows the reference, columns the map; LCZ names ``1`` … ``10``, ``A`` … ``G``.
    weights : pandas.DataFrame, optional
        As for :func:`evaluate`.

    Returns
    -------
    pandas.Series
        ``OA`` share of all; ``OAu`` share right of what is built in the reference (1-10);
        ``OAbu`` share on the right side of built and natural; ``OAw`` mean similarity of map
        and reference; ``kappa`` Cohen's (Demuzere et al. 2021).
    """
    names = list(LCZ_CODES.values())
    full = confusion.reindex(index=names, columns=names, fill_value=0).to_numpy(float)
    weight = (similarity() if weights is None else weights).loc[names, names].to_numpy()
    return pd.Series(_all_metrics(full[None], weight)[0, :5], index=list(_MEASURES))


def similarity() -> pd.DataFrame:
    """Likeness of LCZ classes, 0-1, from the ranges that define them.

    1 - mean difference of the middles of the ranges (sky view, aspect ratio, the three
    fractions, height on a logarithmic scale, roughness), each divided by its largest
    difference, and of what the pervious ground is (plants, soil, water).

    Notes
    -----
    In the spirit of the weights of Bechtel et al. (2017), which count a confusion of
    like classes less; the numbers are not theirs, so OAw compares between runs of this
    function, not with figures published elsewhere. Give ``weights`` for theirs.
    """
    middle = stewart_oke.midpoints()
    for name in ("height_m", "roughness_m", "aspect_ratio"):
        middle[name] = np.log1p(middle[name])
    middle = (middle - middle.min()) / (middle.max() - middle.min())
    cover = {"F": "soil", "G": "water", "E": "sealed"}
    names = list(middle.index)
    values = middle.to_numpy()
    apart = np.abs(values[:, None, :] - values[None, :, :])
    kind = np.array([cover.get(n, "plants") for n in names])
    other = (kind[:, None] != kind[None, :]).astype(float)
    mean = (apart.sum(axis=2) + other) / (values.shape[1] + 1)
    return pd.DataFrame(1 - mean / mean.max(), index=names, columns=names)


_MEASURES: dict[str, Callable[..., NDArray[np.float64]]] = {}


def _measure(name: str) -> Callable[..., Callable[..., NDArray[np.float64]]]:
    def register(function: Callable[..., NDArray[np.float64]]) -> Callable[..., NDArray]:
        _MEASURES[name] = function
        return function

    return register


@_measure("OA")
def _oa(matrices: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.trace(matrices, axis1=1, axis2=2) / matrices.sum(axis=(1, 2))


@_measure("OAu")
def _oau(matrices: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    built = matrices[:, :10, :]
    return np.trace(built[:, :, :10], axis1=1, axis2=2) / built.sum(axis=(1, 2))


@_measure("OAbu")
def _oabu(matrices: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    same = matrices[:, :10, :10].sum(axis=(1, 2)) + matrices[:, 10:, 10:].sum(axis=(1, 2))
    return same / matrices.sum(axis=(1, 2))


@_measure("OAw")
def _oaw(matrices: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return (matrices * weight).sum(axis=(1, 2)) / matrices.sum(axis=(1, 2))


@_measure("kappa")
def _kappa(matrices: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    total = matrices.sum(axis=(1, 2))
    expected = (matrices.sum(axis=1) * matrices.sum(axis=2)).sum(axis=1) / total**2
    return (_oa(matrices, weight) - expected) / (1 - expected)


def _all_metrics(matrices: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns: the measures, then F1 of each class; NaN where there is nothing to measure."""
    matrices = matrices.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        general = np.column_stack([f(matrices, weight) for f in _MEASURES.values()])
        right = np.diagonal(matrices, axis1=1, axis2=2)
        support, given = matrices.sum(axis=2), matrices.sum(axis=1)
        f1 = np.where(support > 0, 2 * right / (support + given), np.nan)
    return np.column_stack([general, f1])


def _notes(by_class: pd.DataFrame, groups: int, block_m: float) -> tuple[dict[str, str], ...]:
    notes = []
    if len(alone := by_class.index[~by_class["evaluated"]]):
        notes.append(
            {
                "fr": f"Classe(s) {', '.join(alone)} : toutes les zones sont dans un même bloc de "
                f"{block_m:.0f} m. La carte peut les donner, mais rien ne dit si elle a raison.",
                "en": f"Class(es) {', '.join(alone)}: all areas lie in one block of "
                f"{block_m:.0f} m. The map may give them, but nothing tells whether it is right.",
            }
        )
    if groups < 20:
        notes.append(
            {
                "fr": f"Seulement {groups} groupes de zones indépendantes : les intervalles "
                "eux-mêmes sont peu sûrs.",
                "en": f"Only {groups} independent groups of areas: the intervals themselves are "
                "unsure.",
            }
        )
    return tuple(notes)
