"""A theme for all communes, a chunk of them at a time: what every run has in common.

Each chunk is one task that reads its own communes and its own part of the data, and leaves
one whole file in the work folder. A worker holds one chunk, whatever the country's size.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import catalog
from ..errors import NoData
from .pool import PATIENCE, Outcome, Pool
from .publish import COMMON, Told, check_output, publish
from .work import Progress, communes_of, refuse_failures, whole, work_folder

__all__ = ["CHUNK", "Theme", "run"]

#: Communes of one task.
CHUNK = 200


@dataclass(frozen=True)
class Theme:
    """What a theme brings to a national run.

    ``dataset``: that it writes; ``reads``: data sets that it can be made of, best first;
    ``rows(communes, paths, dataset, options) -> DataFrame``: a function of a module, with
    ``insee`` and the theme's ``columns`` for communes that have something to tell;
    ``told(paths, dataset, options, table) -> dict``: ``start``, ``end``, ``more``, for the
    country as a whole.
    """

    name: str
    dataset: str
    reads: tuple[str, ...]
    title: str
    columns: dict[str, str]
    rows: Callable[..., pd.DataFrame]
    told: Callable[..., dict[str, Any]]


def run(
    theme: Theme,
    source: Any,
    output: Path,
    *,
    options: dict[str, Any] | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    memory: str | None = None,
    patience: float = PATIENCE,
    keep_going: bool = False,
    chunk: int = CHUNK,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Do a theme for all communes of a source.

    Parameters
    ----------
    theme : Theme
    source : catalog.Source
        With communes and one of ``theme.reads``.
    output : Path
        See :func:`.publish.publish`; the work in progress lies beside it (``.work``).
    options : dict, optional
        Parameters of the theme, plain values.
    scheduler, workers, memory, patience
        See :class:`.pool.Pool`.
    keep_going : bool
        Write the result without the chunks that failed, and tell them in its STAC.
    chunk : int
        Communes of one task.
    progress : callable (step, fraction), optional

    Returns
    -------
    dict
        ``communes`` (rows), ``without_data``, ``chunks``, ``resumed`` (done by an earlier run),
        ``failed`` (list of ``what``, ``why``), ``left_out`` (files, in sentences),
        ``demonstration``, and what the theme tells of the country.

    Raises
    ------
    NoData
        If the source has no communes, none of the data sets, or they tell nothing of any commune.
    InvalidInput
        If chunks failed and ``keep_going`` is not set; what is done stays.
    """
    tell = progress or (lambda label, fraction: None)
    options = dict(options or {})
    check_output(output)
    index = catalog.communes(source)
    dataset, items = _inputs(theme, source)
    paths = [str(i.assets["data"].href) for i in items]
    key: dict[str, Any] = {"theme": theme.name, "dataset": dataset, "chunk": chunk, **options}
    work = work_folder(output, source, key, ["chunks"])
    communes = communes_of(index, work, tell, chunk)
    spans = _spans(communes["departement"].to_numpy(), chunk)
    count = len(spans)
    files = [work / "chunks" / f"{start:06d}.parquet" for start, _ in spans]
    tasks = [
        (theme.rows, str(work), *span, str(path), paths, dataset, options)
        for span, path in zip(spans, files, strict=True)
        if not path.exists()
    ]
    resumed, failed = count - len(tasks), []
    with Pool(scheduler, workers, memory, patience) as pool:
        for done, outcome in enumerate(pool.outcomes(_chunk, tasks), resumed + 1):
            if outcome.error is not None:
                failed.append((_which(communes, outcome), outcome))
            tell("Calcul par paquets de communes", done / count)
    told_failed = refuse_failures(work, failed, keep_going)
    there = [pd.read_parquet(path) for path in files if path.exists()]
    table = pd.concat([t for t in there if len(t)] or there[:1] or [pd.DataFrame({"insee": []})])
    if table.empty:
        title = catalog.stac.title(dataset)
        raise NoData(
            f"{title['fr']} : rien sur les communes de cette source.",
            f"{title['en']}: nothing on the communes of this source.",
        )
    merged = communes.merge(table, on="insee", how="inner")
    found = theme.told(paths, dataset, options, merged)
    left_out = [f"{p.name} : {e.fr}" for p, e in source.rejected]
    more = dict(found.get("more", {}))
    columns = {**COMMON, **theme.columns}
    columns["geometry"] = columns.pop("geometry")  # last, as tables are read
    demonstration = any(i.properties["eo_helpers:demonstration"] for i in items)
    publish(
        output,
        merged,
        Told(
            theme.dataset, dataset, theme.title, columns, found.get("start"), found.get("end"),
            options, demonstration,
            {**more, "failed": told_failed, "left_out": left_out},
        ),
    )  # fmt: skip
    shutil.rmtree(work)
    tell("Terminé", 1.0)
    return {
        "communes": len(merged),
        "without_data": len(communes) - len(merged),
        "chunks": count,
        "resumed": resumed,
        "failed": told_failed,
        "left_out": left_out,
        "demonstration": demonstration,
        **more,
    }


def _inputs(theme: Theme, source: Any) -> tuple[str, list[Any]]:
    for dataset in theme.reads:
        items = source.items(dataset)
        if items:
            return dataset, items
    remedy = catalog.stac.remedy(theme.reads[0])
    title = catalog.stac.title(theme.reads[0])
    raise NoData(
        f"{title['fr']} : rien dans cette source. {remedy['fr']}",
        f"{title['en']}: nothing in this source. {remedy['en']}",
    )


def _spans(departements: Any, chunk: int) -> list[tuple[int, int]]:
    """First and last row (excluded) of each chunk; none goes across départements.

    The communes of a chunk lie together, so that the data it reads are few.
    """
    edges = np.flatnonzero(departements[1:] != departements[:-1]) + 1
    starts = np.concatenate([[0], edges]).tolist()
    ends = np.concatenate([edges, [len(departements)]]).tolist()
    return [
        (first, min(first + chunk, end))
        for start, end in zip(starts, ends, strict=True)
        for first in range(start, end, chunk)
    ]


def _chunk(
    rows: Callable[..., pd.DataFrame],
    work: str,
    start: int,
    stop: int,
    path: str,
    paths: Sequence[str],
    dataset: str,
    options: dict[str, Any],
) -> str:
    """One task: the rows of a chunk, read, worked out and written here."""
    communes = _read(Path(work) / "communes.parquet", start, stop)
    frame = rows(communes, [Path(p) for p in paths], dataset, options)
    whole(Path(path), lambda part: frame.to_parquet(part, index=False))
    return path


def _read(path: Path, start: int, stop: int) -> Any:
    """Rows of the communes in work, from the row groups that hold them."""
    import geopandas as gpd
    import pyarrow.parquet as pq
    import shapely

    with pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(k).num_rows for k in range(file.metadata.num_row_groups)]
        ends = np.cumsum(sizes)
        first, last = np.searchsorted(ends, [start, stop - 1], side="right").tolist()
        before = int(ends[first]) - sizes[first]
        plain = file.read_row_groups(list(range(first, last + 1))).to_pandas()
    plain = plain.iloc[start - before : stop - before].reset_index(drop=True)
    shapes = shapely.from_wkb(plain.pop("geometry").to_numpy())
    return gpd.GeoDataFrame(plain, geometry=shapes, crs=4326)


def _which(communes: Any, outcome: Outcome) -> str:
    start, stop = outcome.task[2:4]
    return f"communes {communes['insee'].iloc[start]} – {communes['insee'].iloc[stop - 1]}"
