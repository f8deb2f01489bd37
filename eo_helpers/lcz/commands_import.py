"""``eo-helpers data import lcz``: Cerema's archives → one national map."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..errors import InvalidInput
from ..terminal import emit, say

__all__ = ["archives_in", "run"]


def archives_in(paths: Iterable[Path]) -> list[Path]:
    """The archives that are meant: files as they are, folders by the ``.zip`` within."""
    out: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = sorted(p for p in path.rglob("*.zip") if not p.name.startswith("."))
            if not found:
                raise InvalidInput(
                    f"Le dossier {path} ne contient aucune archive .zip.",
                    f"Folder {path} holds no .zip archive.",
                )
            out += found
        else:
            out.append(path)
    return out


def run(
    archives: tuple[Path, ...],
    output: Path,
    communes: Path | None,
    population: Path | None,
    skip_bad: bool,
    as_json: bool,
    progress: Callable[[str, float], None] | None,
) -> None:
    """Build the national map, say what was done, and what shares each commune has."""
    from ..text import number
    from .national import build

    found = archives_in(archives)
    for path in (communes, population):
        if path is not None and not path.is_file():
            raise InvalidInput(f"Le fichier {path} n'existe pas.", f"File {path} does not exist.")
    if population is not None and communes is None:
        raise InvalidInput(
            "--population compte les habitants de chaque commune : ajoutez --communes FICHIER.",
            "--population counts people of each commune: add --communes FILE.",
        )
    made = build(found, output, progress=progress or _Lines(), skip_bad=skip_bad)
    for note in made.notes:
        say(note["fr"], note["en"])
    if made.resumed:
        say(
            f"Reprise : {made.resumed} archive(s) étaient déjà prêtes.",
            f"Resumed: {made.resumed} archive(s) were ready.",
        )
    shared = f", {number(made.duplicates)} en double écartés" if made.duplicates else ""
    shared_en = f", {number(made.duplicates, 0, 'en')} duplicates left out" * bool(made.duplicates)
    say(
        f"{number(made.blocks)} blocs de {made.archives} archive(s){shared}, en {made.crs} : "
        f"{output}",
        f"{number(made.blocks, 0, 'en')} blocks of {made.archives} archive(s){shared_en}, in "
        f"{made.crs}: {output}",
    )
    told: dict[str, Any] = {
        "output": output.name,
        "blocks": made.blocks,
        "duplicates": made.duplicates,
        "archives": made.archives,
        "resumed": made.resumed,
        "crs": made.crs,
    }
    if communes is not None:
        told |= _shares(output, communes, population, progress or _Lines())
    if as_json:
        emit(told)


def _shares(
    output: Path, communes: Path, population: Path | None, progress: Callable[[str, float], None]
) -> dict[str, Any]:
    """Work out and keep what each commune has, for comparisons."""
    from ..text import number
    from . import commune_table

    towns = commune_table.read_communes([communes])
    cells = None if population is None else commune_table.holding_of(population)
    table = commune_table.commune_table([output], "lcz-cerema", towns, cells, progress)
    path = commune_table.save(table, output)
    progress("Parts de chaque commune écrites", 1.0)
    say(
        f"Parts de {number(len(table))} communes, pour les comparer : {path.name}",
        f"Shares of {number(len(table), 0, 'en')} communes, to compare them: {path.name}",
    )
    return {"communes": len(table), "communes_table": path.name}


class _Lines:
    """Progress where nobody watches a bar (a log file): one line at each tenth."""

    def __init__(self) -> None:
        self.told = -1

    def __call__(self, step: str, fraction: float) -> None:

        tenth = int(10 * min(fraction, 1.0))
        if tenth > self.told:
            self.told = tenth
            say(f"{10 * tenth} % · {step}", f"{10 * tenth}% · {step}")
