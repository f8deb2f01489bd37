"""The work in progress of a national run: a folder beside the result, found again after a kill."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from .. import __version__
from ..errors import InvalidInput, NoData
from .pool import Outcome

__all__ = ["FAILURES", "Progress", "communes_of", "refuse_failures", "whole", "work_folder"]

Progress = Callable[[str, float], None]

#: Name of the report of what failed, in the folder of the work in progress.
FAILURES = "failures.json"
NAMES = ["insee", "name", "departement", "population", "geometry"]


def work_folder(output: Path, source: Any, key: Mapping[str, Any], rooms: Iterable[str]) -> Path:
    """Folder of the work in progress; work of other data or options is not used.

    Parameters
    ----------
    output : Path
        Result; the folder is ``<output>.work``.
    source : catalog.Source
    key : mapping
        All that changes the figures.
    rooms : iterable of str
        Folders within.

    Raises
    ------
    InvalidInput
        If there is no place for it, or a folder of that name is somebody else's.
    """
    import shutil

    if output.parent != Path() and not output.parent.is_dir():
        raise InvalidInput(
            f"Le dossier « {output.parent} » n'existe pas.",
            f"There is no folder '{output.parent}'.",
        )
    told = json.dumps([__version__, source.fingerprint(), dict(key)], sort_keys=True)
    mine = hashlib.sha256(told.encode()).hexdigest()
    folder = output.with_name(output.name + ".work")
    mark = folder / "key.txt"
    if folder.exists():
        if not mark.exists() and any(folder.iterdir()):
            raise InvalidInput(
                f"« {folder} » existe et n'est pas un travail en cours : déplacez-le.",
                f"'{folder}' exists and is no work in progress: move it.",
            )
        if mark.exists() and mark.read_text() != mine:
            shutil.rmtree(folder)
    for name in rooms:
        (folder / name).mkdir(parents=True, exist_ok=True)
    mark.write_text(mine)
    return folder


def whole(path: Path, write: Callable[[Path], Any]) -> None:
    """A file that is there is whole: written beside, then moved."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    write(part)
    part.replace(path)


def communes_of(index: Any, work: Path, tell: Progress, rows: int) -> Any:
    """All communes in order of their code, with boundaries; those without one are left out.

    They are kept in the work folder with ``rows`` communes a row group: a task reads its own.
    """
    import geopandas as gpd

    path = work / "communes.parquet"
    if path.exists():
        return gpd.read_parquet(path)
    found = []
    for k, c in enumerate(index.all()):
        if k % 500 == 0:
            tell("Lecture des communes", k / len(index))
        found.append((c.insee, c.name, c.departement, c.population, c.boundary))
    found.sort(key=lambda row: row[0])
    if not found:
        raise NoData("Aucune commune n'a de contour.", "No commune has a boundary.")
    frame = gpd.GeoDataFrame(pd.DataFrame(found, columns=NAMES), geometry="geometry", crs=4326)
    frame["population"] = frame["population"].astype("Int64")
    whole(path, lambda part: frame.to_parquet(part, row_group_size=rows))
    return frame


def refuse_failures(
    work: Path, failed: list[tuple[str, Outcome]], keep_going: bool
) -> list[dict[str, str]]:
    """Report tasks that failed; unless ``keep_going``, end the run with a sentence.

    Parameters
    ----------
    failed : list of (what, Outcome)
        What each was (a month, communes from … to …), and what became of it.

    Raises
    ------
    InvalidInput
        Names how many, the first reason and the report; what is done stays for the next run.
    """
    path = work / FAILURES
    told = [{"what": what, "why": outcome.why} for what, outcome in failed]
    if not told:
        path.unlink(missing_ok=True)
        return []
    whole(
        path,
        lambda part: part.write_text(json.dumps(told, ensure_ascii=False, indent=1), "utf-8"),
    )
    if not keep_going:
        first = told[0]
        n = len(told)
        raise InvalidInput(
            f"{n} tâche(s) en échec ({first['what']} : {first['why'].rstrip('.')}). Le détail est "
            f"dans {path} ; ce qui est fait reste : relancez, ou ajoutez --keep-going pour écrire "
            "le résultat sans elles.",
            f"{n} task(s) failed ({first['what']}: {first['why'].rstrip('.')}). Details are in "
            f"{path}; what is done stays: run again, or add --keep-going to write the result "
            "without them.",
        )
    return told
