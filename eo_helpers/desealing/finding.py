"""Where to take the asphalt away first in a commune, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd

from .. import catalog
from ..catalog.provenance import Provenance
from ..errors import InvalidInput, NoData, OutOfCoverage
from ..findings import Finding, remembered
from ..flood.data import read_terrain
from ..lcz import data as lcz
from ..lcz.finding import ground_date
from ..lcz.people import people_of_blocks
from ..territory import bdtopo, districts, population
from ..territory.commune import Commune
from ..text import of_place
from . import ownership, pictures, sentences
from .criteria import NEED, VETOES
from .data import hazards, permeability
from .priority import DRAWS, METHODS, prioritise
from .sectors import RAIN, SHARE, gains, names_of
from .units import measured, share_of, terrain_of, units_of, vetoes_of

__all__ = ["CONTROLS", "Sectors", "analyse", "finding_of"]

MAPS = ("lcz-cerema", "lcz-produced")
#: Parameters that a visitor may move: a weight for each need, and the method.
CONTROLS = (*(f"w_{c.name}" for c in NEED), "method")
#: Ends of a weight's slider.
HEAVIEST = 3.0


@dataclass(frozen=True)
class Sectors:
    """What was read and measured once for a commune.

    Attributes
    ----------
    units : geopandas.GeoDataFrame
        As :func:`.units.units_of`, with every criterion that could be measured, and vetoes.
    names : list of Text
    missing, unchecked : tuple of str
        Criteria without data; vetoes that no file at hand can tell.
    provenance : tuple of Provenance
    date : str or None
        When the ground of the blocks was seen.
    """

    units: gpd.GeoDataFrame
    names: list[Any]
    missing: tuple[str, ...]
    unchecked: tuple[str, ...]
    provenance: tuple[Provenance, ...]
    date: str | None = None


def analyse(commune: Commune, source: Any, **parameters: Any) -> Finding:
    """The sectors of a commune to deseal first.

    Parameters
    ----------
    commune : Commune
    source : catalog.Source
    w_impervious, w_heat, w_people, w_canopy, w_runoff : float, optional
        Weights of the needs, 0 to 3 (default 1).
    method : {"weighted_sum", "topsis", "promethee"}, optional
    least_feasibility : float, optional
        Feasibility (0-1) that a sector must be able to reach (default 0.5).
    rain : float, optional
        Storm that the run-off avoided is told for, mm (default 30).
    sector : str, optional
        ``block_id`` of one sector, to tell about it alone.

    Returns
    -------
    Finding

    Raises
    ------
    InvalidInput
        If a file is not what its data set promises, or a parameter is not known.
    """
    options = _options(parameters)
    try:
        sectors = _read(commune, source)
    except NoData as error:
        away = isinstance(error, OutOfCoverage)
        return Finding(
            "desealing",
            commune,
            "out_of_coverage" if away else "no_data",
            sentences.nothing(commune, away),
            parameters=options,
            remedy=sentences.REMEDY,
        )
    return finding_of(commune, sectors, options)


def _options(parameters: dict[str, Any]) -> dict[str, Any]:
    defaults: dict[str, Any] = {f"w_{c.name}": 1.0 for c in NEED}
    defaults |= {"method": "weighted_sum", "least_feasibility": 0.5, "rain": RAIN, "sector": None}
    unknown = sorted(set(parameters) - set(defaults))
    if unknown:
        raise InvalidInput(
            f"Paramètre inconnu du thème desealing : {', '.join(unknown)} ; connus : "
            f"{', '.join(defaults)}.",
            f"Unknown parameter of theme desealing: {', '.join(unknown)}; known: "
            f"{', '.join(defaults)}.",
        )
    options = {**defaults, **parameters}
    limits = {**{f"w_{c.name}": (0.0, HEAVIEST) for c in NEED}, "least_feasibility": (0.0, 1.0),
              "rain": (1.0, 300.0)}  # fmt: skip
    for name, (low, high) in limits.items():
        value = options[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= float(value) <= high:
            raise InvalidInput(
                f"« {name} » vaut {value!r} : il faut un nombre entre {low:g} et {high:g}.",
                f"'{name}' is {value!r}: a number between {low:g} and {high:g} is needed.",
            )
        options[name] = float(value)
    if options["method"] not in METHODS:
        raise InvalidInput(
            f"La méthode « {options['method']} » n'existe pas ; connues : {', '.join(METHODS)}.",
            f"There is no method '{options['method']}'; known: {', '.join(METHODS)}.",
        )
    return options


@remembered(size=3)
def _read(commune: Commune, source: Any) -> Sectors:
    """Blocks, and all that the source can measure on them."""
    provenance: list[Provenance] = []
    blocks, date = None, None
    away = False
    for dataset in MAPS:
        try:
            holding = catalog.find(dataset, commune, source)
            blocks = lcz.read(holding, commune)
            if {"ror", "ver"} <= set(blocks.columns):
                provenance.append(holding.provenance)
                date = ground_date(holding, dataset)
                break
        except NoData as error:
            away |= isinstance(error, OutOfCoverage)
    if blocks is None:
        kind = OutOfCoverage if away else NoData
        raise kind("Pas de carte des îlots.", "No map of blocks.")
    units = units_of(blocks)

    def take(dataset: str, read: Any) -> Any:
        try:
            holding = catalog.find(dataset, commune, source)
            found = read(holding, commune)
        except NoData:
            return None
        provenance.append(holding.provenance)
        return found

    cells = take("filosofi-200m", population.read)
    if cells is not None and len(units):
        measured(units, people_of_blocks(units, cells, commune.boundary_in(cells.crs)))
    dem = take("dem", read_terrain)
    if dem is not None and len(units):
        sealed = blocks.assign(sealed=blocks["bur"].fillna(0) + blocks["ror"].fillna(0))
        terrain_of(units, dem, sealed.to_crs(dem.rio.crs), "sealed")
    places = take("bdtopo-places", bdtopo.read)
    parks = take("bdtopo-transport", bdtopo.read)
    known = [p[["geometry"]] for p in (places, _car_parks(parks)) if p is not None and len(p)]
    if known:
        zones = gpd.GeoDataFrame(pd.concat(known, ignore_index=True), crs=commune.crs)
        units["public_place"] = 100 * share_of(units, zones)
    parcels = take("public-parcels", ownership.read)
    if parcels is not None:
        units["public_owner"] = 100 * share_of(units, parcels)
    soil = take("soil-permeability", permeability)
    if soil is not None:
        units["permeability"] = _main_value(units, soil)
    found = take("ground-hazards", hazards)
    vetoes_of(units, found, found.attrs["checked"] if found is not None else ())
    zones = take(districts.DATASET, districts.read)
    missing = tuple(c for c in sentences.LABELS if c not in units)
    unchecked = tuple(v.name for v in VETOES if f"veto_{v.name}" not in units)
    names = names_of(units, places, zones)
    return Sectors(units, names, missing, unchecked, tuple(provenance), date)


def _car_parks(parks: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
    if parks is None:
        return None
    return parks[parks["nature"].astype(str).str.contains("parking", case=False)]


def _main_value(units: gpd.GeoDataFrame, soil: gpd.GeoDataFrame) -> Any:
    """Conductivity of the ground that covers most of each sector."""
    pieces = (
        units[["geometry"]]
        .reset_index(names="row")
        .overlay(soil[["ksat", "geometry"]], keep_geom_type=True)
    )
    pieces["part"] = pieces.area
    most = pieces.sort_values("part").groupby("row")["ksat"].last()
    return most.reindex(range(len(units))).to_numpy()


def finding_of(commune: Commune, sectors: Sectors, options: dict[str, Any]) -> Finding:
    """The Finding of a commune from its :class:`Sectors` and the chosen weights."""
    units = sectors.units
    weights = {c.name: options[f"w_{c.name}"] for c in NEED}
    if not any(weights.values()):
        raise InvalidInput(
            "Tous les poids sont à zéro : relevez au moins un curseur.",
            "All weights are zero: raise at least one slider.",
        )
    controls = pictures.controls(options, HEAVIEST)
    if units.empty:
        return Finding(
            "desealing", commune, "complete", sentences.nowhere(commune),
            provenance=sectors.provenance, parameters=options,
        )  # fmt: skip
    method = options["method"]
    # Duels cost more than sums, and a slider must answer: fewer draws for them.
    draws = DRAWS // 5 if method == "promethee" else DRAWS
    found = prioritise(
        units, weights, method=method, draws=draws,
        least_feasibility=options["least_feasibility"],
    )  # fmt: skip
    first = found.table[found.table["rank"].notna()].sort_values("rank").head(found.first)
    won = gains(units.loc[first.index], options["rain"], SHARE)
    seen = sentences.Seen(commune, sectors.names, units, found, first, won, options, sectors.date)
    one = options["sector"]
    if one is not None:
        return _of_sector(commune, sectors, seen, str(one))
    whole = not sectors.missing and not sectors.unchecked
    return Finding(
        "desealing",
        commune,
        "complete" if whole else "partial",
        sentences.headline(seen),
        indicators=sentences.indicators(seen, weights),
        layers=pictures.layers(seen),
        charts=pictures.charts(seen),
        caveats=sentences.caveats(seen, sectors.missing, sectors.unchecked),
        provenance=sectors.provenance,
        parameters=options,
        controls=controls,
        remedy=None if whole else sentences.remedy(sectors.missing, sectors.unchecked),
    )


def _of_sector(commune: Commune, sectors: Sectors, seen: sentences.Seen, one: str) -> Finding:
    """One sector alone: what a sheet tells."""
    units = sectors.units
    rows = units.index[units["block_id"].astype(str) == one]
    if not len(rows):
        raise InvalidInput(
            f"Le secteur « {one} » n'est pas {of_place(commune.name)} : les identifiants sont "
            "dans la "
            "colonne block_id de l'export GeoPackage.",
            f"Sector '{one}' is not in {commune.name}: identifiers are in column block_id of the "
            "GeoPackage export.",
        )
    row = int(rows[0])
    gain = gains(units.loc[[row]], seen.options["rain"], SHARE)[0]
    return Finding(
        "desealing",
        commune,
        "complete" if not sectors.missing else "partial",
        sentences.sector_headline(seen, row, gain),
        indicators=sentences.sector_indicators(seen, row, gain),
        layers=pictures.layers(seen, only=row),
        charts=pictures.sector_charts(seen, row),
        caveats=sentences.caveats(seen, sectors.missing, sectors.unchecked),
        provenance=sectors.provenance,
        parameters=seen.options,
    )
