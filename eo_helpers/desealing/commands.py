"""``eo-helpers desealing …``: the order of one's own sectors."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from ..errors import InvalidInput
from ..terminal import emit

__all__ = ["group"]

_PATH = click.Path(path_type=Path)


@click.group("desealing")
def group() -> None:
    """Désimperméabiliser, sur vos propres secteurs. / Desealing, on your own sectors."""


@group.command("criteria")
@click.option("--json", "as_json", is_flag=True, help="Réponse en JSON.")
def criteria(as_json: bool) -> None:
    """Les critères, leur unité, et combien de quoi vaut combien."""
    from .criteria import CRITERIA, VETOES

    rows: list[dict[str, Any]] = [
        {"name": c.name, "axis": c.axis, "label": dict(c.label), "unit": c.unit, "none": c.none,
         "full": c.full, "logarithmic": c.log, "why": dict(c.why), "dataset": c.dataset}
        for c in CRITERIA
    ]  # fmt: skip
    if as_json:
        emit({"criteria": rows, "vetoes": [f"veto_{v.name}" for v in VETOES]})
        return
    for row in rows:
        click.echo(
            f"{row['name']:<14} {row['axis']:<12} {row['none']:g} → 0, {row['full']:g} → 1 "
            f"{row['unit']:<7} {row['label']['fr']}"
        )
    click.echo("obstacles      " + ", ".join(f"veto_{v.name}" for v in VETOES))


@group.command("rank")
@click.argument("units", type=_PATH)
@click.option("-o", "--output", required=True, type=_PATH, help="GeoPackage ou CSV à écrire.")
@click.option("-w", "--weight", "weights", multiple=True, help="critère=poids, répétable.")
@click.option("--method", default="weighted_sum", show_default=True, help="Ou topsis, promethee.")
@click.option("--least-feasibility", default=0.5, show_default=True, help="De 0 à 1.")
@click.option("--draws", default=1000, show_default=True, help="Tirages de Monte-Carlo.")
@click.option("--seed", default=0, show_default=True, help="Graine des tirages.")
def rank(
    units: Path,
    output: Path,
    weights: tuple[str, ...],
    method: str,
    least_feasibility: float,
    draws: int,
    seed: int,
) -> None:
    """Met des secteurs en ordre, avec l'intervalle de leur rang.

    UNITS est une couche de polygones qui ne se recouvrent pas, avec une colonne par critère
    connu (eo-helpers desealing criteria), et pour ceux qui sont incertains ses bornes _low et
    _high ; une valeur vide est inconnue.
    """
    import geopandas as gpd
    import pyogrio

    from .priority import prioritise
    from .units import check_units

    try:
        table = gpd.read_file(units)
    except (pyogrio.errors.DataSourceError, OSError) as error:
        raise InvalidInput(
            f"« {units.name} » ne peut pas être lu : {error}.",
            f"'{units.name}' cannot be read: {error}.",
        ) from error
    if "geometry" not in table:
        raise InvalidInput(
            f"« {units.name} » n'a pas de géométrie : donnez des polygones.",
            f"'{units.name}' has no geometry: give polygons.",
        )
    check_units(table)
    chosen = dict(_weight(text) for text in weights)
    found = prioritise(
        table, chosen, method=method, least_feasibility=least_feasibility, draws=draws, seed=seed
    )
    for column in found.table:
        table[column] = found.table[column]
    _write(table, output)


def _weight(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name.strip(), float(value.replace(",", "."))
    except ValueError:
        raise InvalidInput(
            f"Poids « {text} » illisible : écrivez critère=nombre, par exemple heat=2.",
            f"Weight '{text}' cannot be read: write criterion=number, such as heat=2.",
        ) from None


def _write(table: Any, output: Path) -> None:
    """Write beside, then rename: nothing half-written stays."""
    folder = output.parent
    if not folder.is_dir():
        raise InvalidInput(f"Le dossier {folder} n'existe pas.", f"Folder {folder} does not exist.")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as work:
        part = Path(work) / output.name
        if output.suffix.lower() == ".csv":
            table.drop(columns="geometry").to_csv(part, index=False)
        else:
            table.to_file(part, layer="sectors", driver="GPKG")
        part.replace(output)
