"""What a source has of a data set over a commune."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely

from ..errors import EoError, InvalidInput, NoData, OutOfCoverage
from . import stac
from .online_source import OnlineSource
from .sources import Holding, Source

if TYPE_CHECKING:
    from ..territory.commune import Commune
    from ..territory.index import CommuneIndex

__all__ = ["communes", "find"]

#: Two maps are of the same ground when their boxes share this part of the smaller one.
_SAME_GROUND = 0.5

_SUFFIXES = {"vnp46a3": {".h5", ".hdf5", ".he5", ".hdf"}}


def find(dataset: str, commune: Commune, source: Source) -> Holding:
    """Files of a data set whose box meets the commune.

    Parameters
    ----------
    dataset : str
    commune : Commune
    source : Source

    Returns
    -------
    Holding
        Where several maps of the same ground are there and the collection says that one
        is enough (``eo_helpers:alternatives``), the one with most features; the others
        are in ``left_out``.

    Raises
    ------
    InvalidInput
        If all that the source has of it could not be read: the first file's sentence.
    NoData
        If the source has nothing of it.
    OutOfCoverage
        If none of it meets the commune.
    """
    stac.about(dataset)
    trouble: EoError | None = None
    if isinstance(source, OnlineSource):
        try:
            source.prepare(dataset, commune)
        except EoError as error:  # an earlier copy may serve; else this is what is said
            trouble = error
    items = source.items(dataset)
    title = stac.title(dataset)
    if not items:
        if trouble is not None:
            raise trouble
        _raise_rejected(dataset, source)
        raise NoData(
            f"{title['fr']} : rien dans cette source. {stac.remedy(dataset)['fr']}",
            f"{title['en']}: nothing in this source. {stac.remedy(dataset)['en']}",
        )
    here = shapely.box(*commune.bounds)
    met = [i for i in items if i.bbox is None or shapely.box(*i.bbox).intersects(here)]
    if not met and trouble is not None:
        raise trouble
    if not met:
        raise OutOfCoverage(
            f"{title['fr']} : les données de cette source ne couvrent pas {commune.name}.",
            f"{title['en']}: the data of this source do not cover {commune.name}.",
        )
    left: list[Any] = []
    if stac.about(dataset)["eo_helpers:alternatives"]:
        met, left = _one_map(met)
    return Holding(dataset, tuple(met), source, tuple(left))


def _raise_rejected(dataset: str, source: Source) -> None:
    """Say why there is nothing, when a file that could have been it was left out."""
    wanted = _SUFFIXES.get(dataset)
    for path, error in source.rejected:
        if wanted and path.suffix.lower() in wanted:
            raise InvalidInput(error.fr, error.en)


def _one_map(items: list[Any]) -> tuple[list[Any], list[Any]]:
    """Of maps of the same ground, the one with most features, and the others."""
    kept: list[Any] = []
    left: list[Any] = []
    for item in sorted(items, key=lambda i: (-i.properties["eo_helpers:features"], i.id)):
        (left if any(_same_ground(item, other) for other in kept) else kept).append(item)
    return kept, left


def _same_ground(a: Any, b: Any) -> bool:
    if a.bbox is None or b.bbox is None:
        return True
    one, two = shapely.box(*a.bbox), shapely.box(*b.bbox)
    least = min(one.area, two.area)
    return bool(one.intersection(two).area >= _SAME_GROUND * least)


@lru_cache(maxsize=4)
def _index(paths: tuple[Path, ...], stamp: str, name: str, demonstration: bool) -> CommuneIndex:
    from ..territory.index import CommuneIndex

    return CommuneIndex.from_files(list(paths), source=name, demonstration=demonstration)


def communes(source: Source) -> CommuneIndex:
    """The communes of a source, ready to be searched.

    Raises
    ------
    NoData
        If the source has no file of communes.
    InvalidInput
        If the file is not what it seems (one sentence).
    """
    items, _ = _one_map(source.items("communes"))
    if not items and isinstance(source, OnlineSource) and source.without_communes is not None:
        raise source.without_communes
    if not items:
        folders = ", ".join(str(f) for f in getattr(source, "folders", ()))
        where = f" dans {folders}" if folders else ""
        where_en = f" in {folders}" if folders else ""
        told = "".join(f" Fichier écarté : {e.fr}" for _, e in source.rejected[:1])
        told_en = "".join(f" File left out: {e.en}" for _, e in source.rejected[:1])
        remedy = stac.remedy("communes")
        raise NoData(
            f"Aucun fichier de communes{where}. {remedy['fr']}{told}",
            f"No file of communes{where_en}. {remedy['en']}{told_en}",
        )
    paths = tuple(Path(i.assets["data"].href) for i in items)
    fictional = all(i.properties["eo_helpers:demonstration"] for i in items)
    return _index(paths, source.fingerprint(), source.name, fictional)
