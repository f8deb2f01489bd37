"""Night lighting of every commune: one GeoParquet and its STAC item, resumable.

Each month and each few hundred communes is a task that leaves one whole file in the
run's work folder; a run that was killed does only what is not there yet.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import __version__, catalog
from ..errors import InvalidInput, NoData
from ..lighting.changes import assess
from ..lighting.finding import DATASET
from ..lighting.neighbours import with_outer
from ..lighting.series import SUFFIXES, TileFile, date_values, index_tiles
from ..lighting.weights import TILE_DEGREES, Weights, weights_of
from .output import commune_row, write_result
from .pool import Pool

__all__ = ["run"]

Progress = Callable[[str, float], None]

#: Communes that one task assesses.
CHUNK = 500
_KEPT = ("radiance", "std_error", "filled_share", "valid_share", "nights", "outer")


@dataclass(frozen=True)
class Options:
    """What changes the figures; two runs with the same ones share their work."""

    view: str = "AllAngle"
    least_share: float = 0.5


def run(
    source: Any,
    output: Path,
    *,
    view: str = "AllAngle",
    least_share: float = 0.5,
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Analyse the lighting of all communes of a source.

    Parameters
    ----------
    source : catalog.Source
        With communes and VNP46A3 files.
    output : Path
        GeoParquet to write; its STAC item lies beside it (``.json``), its work in progress
        in a folder of the same name (``.work``), which is removed at the end.
    view, least_share
        As for one commune (:func:`eo_helpers.lighting.finding.analyse`).
    scheduler, workers
        See :class:`.pool.Pool`.
    progress : callable (step, fraction), optional

    Returns
    -------
    dict
        ``communes``, ``without_data``, ``months``, ``left_out`` (sentences), ``practices``
        (how many communes have each).

    Raises
    ------
    NoData
        If the source has no communes or no tile.
    """
    tell = progress or (lambda label, fraction: None)
    options = Options(view, least_share)
    index = catalog.communes(source)
    items = source.items(DATASET)
    if not items:
        remedy = catalog.stac.remedy(DATASET)
        raise NoData(
            f"Aucune tuile d'éclairage nocturne dans cette source. {remedy['fr']}",
            f"No night-lighting tile in this source. {remedy['en']}",
        )
    tell("Lecture des tuiles", 0.0)
    dates, left_out = index_tiles([Path(i.assets["data"].href) for i in items], broken="gap")
    if output.parent != Path() and not output.parent.is_dir():
        raise InvalidInput(
            f"Le dossier « {output.parent} » n'existe pas.",
            f"There is no folder '{output.parent}'.",
        )
    work = _work_folder(output, source, options)
    communes = _communes(index, work, tell)
    cell = next(iter(dates.values()))[0].cell
    _weights(work, communes, cell, tell)
    left_out += [f"{p.name} : {e.fr}" for p, e in source.rejected if p.suffix.lower() in SUFFIXES]
    with Pool(scheduler, workers) as pool:
        left_out += _months(work, dates, options, pool, tell)
        table = _assessments(work, communes, dates, cell, pool, tell)
    demonstration = any(i.properties["eo_helpers:demonstration"] for i in items)
    summary = write_result(output, communes, table, options, demonstration, sorted(dates), left_out)
    shutil.rmtree(work)
    tell("Terminé", 1.0)
    return summary


def _work_folder(output: Path, source: Any, options: Options) -> Path:
    """Folder of the work in progress; work of other data or options is not used."""
    key = hashlib.sha256(
        json.dumps([__version__, source.fingerprint(), vars(options)]).encode()
    ).hexdigest()
    folder = output.with_name(output.name + ".work")
    mark = folder / "key.txt"
    if folder.exists():
        if not mark.exists() and any(folder.iterdir()):
            raise InvalidInput(
                f"« {folder} » existe et n'est pas un travail en cours : déplacez-le.",
                f"'{folder}' exists and is no work in progress: move it.",
            )
        if mark.exists() and mark.read_text() != key:
            shutil.rmtree(folder)
    for name in ("months", "chunks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    mark.write_text(key)
    return folder


def _whole(path: Path, write: Callable[[Path], Any]) -> None:
    """A file that is there is whole: written beside, then moved."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    write(part)
    part.replace(path)


def _communes(index: Any, work: Path, tell: Progress) -> Any:
    """All communes in order of their code, with boundaries; those without one are left out."""
    import geopandas as gpd

    path = work / "communes.parquet"
    if path.exists():
        return gpd.read_parquet(path)
    codes = sorted(match.insee for match in index)
    rows = []
    for k, code in enumerate(codes):
        if k % 500 == 0:
            tell("Lecture des communes", k / len(codes))
        try:
            c = index.get(code)
        except InvalidInput:  # no boundary: nothing can be measured there
            continue
        rows.append((c.insee, c.name, c.departement, c.population, c.boundary))
    if not rows:
        raise NoData("Aucune commune n'a de contour.", "No commune has a boundary.")
    names = ["insee", "name", "departement", "population", "geometry"]
    frame = gpd.GeoDataFrame(pd.DataFrame(rows, columns=names), geometry="geometry", crs=4326)
    frame["population"] = frame["population"].astype("Int64")
    _whole(path, frame.to_parquet)
    return frame


def _weights(work: Path, communes: Any, cell: float, tell: Progress) -> None:
    path = work / "weights.npz"
    if path.exists():
        return
    tell("Poids des mailles par commune", 0.0)
    w = with_outer(weights_of(list(communes.geometry), cell))
    arrays = {
        "data": w.matrix.data, "indices": w.matrix.indices, "indptr": w.matrix.indptr,
        "shape": np.array(w.matrix.shape), "row": w.row, "col": w.col, "cell": np.array(w.cell),
        "outer_data": w.outer.data.astype(np.float32), "outer_indices": w.outer.indices,
        "outer_indptr": w.outer.indptr,
    }  # fmt: skip

    def write(part: Path) -> None:
        with part.open("wb") as file:
            np.savez(file, **arrays)

    _whole(path, write)


@lru_cache(maxsize=1)
def _load_weights(path: Path, stamp: int) -> Weights:
    from scipy.sparse import csr_array

    with np.load(path) as a:
        shape = tuple(a["shape"])
        matrix, outer = (
            csr_array((a[f"{n}data"], a[f"{n}indices"], a[f"{n}indptr"]), shape=shape)
            for n in ("", "outer_")
        )
        return Weights(matrix, a["row"], a["col"], float(a["cell"]), outer)


def _months(
    work: Path,
    dates: dict[str, list[TileFile]],
    options: Options,
    pool: Pool,
    tell: Progress,
) -> list[str]:
    """Measure every month that is not there yet; sentences about files left out."""
    todo = [d for d in dates if not (work / "months" / f"{d}.parquet").exists()]
    tasks = [(str(work), date, dates[date], options) for date in todo]
    done = len(dates) - len(todo)
    for _ in pool.results(_month, tasks):
        done += 1
        tell("Mesure des mois", done / len(dates))
    told = [work / "months" / f"{d}.txt" for d in dates]
    return [line for p in told if p.exists() for line in p.read_text("utf-8").splitlines()]


def _month(folder: str, date: str, tiles: list[TileFile], options: Options) -> str:
    """One task: the figures of all communes in one month."""
    work = Path(folder)
    path = work / "weights.npz"
    weights = _load_weights(path, path.stat().st_mtime_ns)
    found, failed = date_values(
        tiles, weights, view=options.view, least_share=options.least_share, broken="gap"
    )
    if failed:
        told = "\n".join(failed)
        _whole(work / "months" / f"{date}.txt", lambda part: part.write_text(told, "utf-8"))
    frame = pd.DataFrame({name: found[name] for name in _KEPT})
    _whole(work / "months" / f"{date}.parquet", frame.to_parquet)
    return date


def _assessments(
    work: Path,
    communes: Any,
    dates: dict[str, list[TileFile]],
    cell: float,
    pool: Pool,
    tell: Progress,
) -> pd.DataFrame:
    axis = np.arange(np.datetime64(min(dates), "M"), np.datetime64(max(dates), "M") + 1)
    position = {str(d): k for k, d in enumerate(axis)}
    cube = {name: np.full((len(communes), axis.size), np.nan) for name in _KEPT}
    for date in dates:
        month = pd.read_parquet(work / "months" / f"{date}.parquet")
        for name in _KEPT:
            cube[name][:, position[date]] = month[name].to_numpy()
    spans = _spans(communes, dates, cell, position)
    chunks: list[Path] = []
    tasks: list[tuple[Any, ...]] = []
    for span in sorted({tuple(s) for s in spans.tolist()}):
        rows = np.nonzero((spans == span).all(1))[0]
        if span[0] < 0:
            continue
        for start in range(0, rows.size, CHUNK):
            some = rows[start : start + CHUNK]
            path = work / "chunks" / f"{span[0]:04d}-{span[1]:04d}-{start:06d}.parquet"
            chunks.append(path)
            if not path.exists():
                part = {n: cube[n][some, span[0] : span[1] + 1] for n in _KEPT}
                files = _has_file(communes.iloc[some], dates, cell, axis[span[0] : span[1] + 1])
                names = list(communes["insee"].iloc[some]), list(communes["name"].iloc[some])
                tasks.append((str(path), *names, axis[span[0] : span[1] + 1], part, files))
    done = len(chunks) - len(tasks)
    for _ in pool.results(_assess, tasks):
        done += 1
        tell("Analyse des communes", done / len(chunks))
    if not chunks:
        raise NoData(
            "Aucune tuile ne couvre de commune de cette source.",
            "No tile covers a commune of this source.",
        )
    return pd.concat([pd.read_parquet(p) for p in chunks], ignore_index=True)


def _assess(
    path: str,
    insee: list[str],
    names: list[str],
    axis: NDArray[Any],
    part: dict[str, NDArray[np.float64]],
    files: NDArray[np.bool_],
) -> str:
    """One task: events and practice of some communes that share their months."""
    dates = pd.DatetimeIndex(axis.astype("datetime64[ns]"))
    found = assess(dates, "month", part["radiance"], part["std_error"], outer=part["outer"])
    rows = [
        commune_row(insee[k], names[k], found[k], {n: v[k] for n, v in part.items()}, files[k])
        for k in range(len(insee))
    ]
    frame = pd.DataFrame(rows)
    _whole(Path(path), lambda p: frame.to_parquet(p, index=False))
    return path


def _tiles_about(bounds: NDArray[np.float64], cell: float) -> list[set[tuple[int, int]]]:
    """Tiles (first row and column) that the box of each commune meets.

    They are those that a commune's own analysis asks the source for.
    """
    size = round(TILE_DEGREES / cell)
    out = []
    for west, south, east, north in bounds:
        top = int(np.floor((90 - north) / cell + 1e-9))
        left = int(np.floor((west + 180) / cell + 1e-9))
        bottom = int(np.ceil((90 - south) / cell - 1e-9)) - 1
        right = int(np.ceil((east + 180) / cell - 1e-9)) - 1
        out.append(
            {
                (v * size, h * size)
                for v in range(top // size, bottom // size + 1)
                for h in range(left // size, right // size + 1)
            }
        )
    return out


def _spans(
    communes: Any, dates: dict[str, list[TileFile]], cell: float, position: dict[str, int]
) -> NDArray[np.int64]:
    """First and last month (positions) of the tiles about each commune; -1 without any."""
    first: dict[tuple[int, int], int] = {}
    last: dict[tuple[int, int], int] = {}
    for date, tiles in dates.items():
        for t in tiles:
            key, k = (t.row, t.col), position[date]
            first[key] = min(first.get(key, k), k)
            last[key] = max(last.get(key, k), k)
    out = np.full((len(communes), 2), -1, np.int64)
    for i, about in enumerate(_tiles_about(communes.geometry.bounds.to_numpy(), cell)):
        known = about & set(first)
        if known:
            out[i] = min(first[t] for t in known), max(last[t] for t in known)
    return out


def _has_file(
    communes: Any, dates: dict[str, list[TileFile]], cell: float, axis: NDArray[Any]
) -> NDArray[np.bool_]:
    """Whether any tile about the commune has a file of the month (communes, months)."""
    there = [{(t.row, t.col) for t in dates.get(str(d), ())} for d in axis]
    about = _tiles_about(communes.geometry.bounds.to_numpy(), cell)
    return np.array([[bool(tiles & month) for month in there] for tiles in about])
