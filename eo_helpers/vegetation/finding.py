"""What images and heights say of a commune's vegetation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr

from ..catalog.provenance import Provenance
from ..errors import InvalidInput, NoData, OutOfCoverage
from ..findings import Control, Finding, Indicator, Layer, outline, remembered
from ..territory.commune import Commune
from ..text import Text
from . import dates, named, others, parks, pictures, reference, sentences
from .data import HEIGHTS, IMAGE, Place, inside_of, read
from .forms import forms
from .indicators import Estimate, canopy_by_zone, per_inhabitant, shares, three_thirty, widened
from .landscape import roofs, zones
from .parts import Part
from .produce import LIDAR_STD
from .strata import Limits, ndvi_threshold, strata

__all__ = ["CONTROLS", "analyse", "finding_of"]

CONTROLS = ("heights",)
#: Heights (m) from which vegetation is arbustive, then arborée, as producers take them.
HEIGHT_PAIRS = {"1.5-5": (1.5, 5.0), "0.5-1.5": (0.5, 1.5)}

#: Where Sentinel-2 places an edge, 1 standard deviation, metres: a twentieth of its pixel.
#: Chosen on the demonstration, whose canopy is then in the interval in all its communes.
EDGE = 0.5


def analyse(commune: Commune, source: Any, **parameters: Any) -> Finding:
    """The vegetation of a commune: strata, forms, canopy, green area per inhabitant.

    Parameters
    ----------
    commune : Commune
    source : catalog.Source
    heights : {"1.5-5", "0.5-1.5"}, optional
        Metres from which vegetation is arbustive, then arborée.

    Returns
    -------
    Finding
        From the last summer Sentinel-2 image, with heights where the source has them; forms
        where it has lidar heights and an infrared photograph.

    Raises
    ------
    InvalidInput
        If a file is not what its data set promises, or a parameter is not known.
    """
    options = {"heights": "1.5-5", **parameters}
    unknown = ", ".join(sorted(set(options) - {"heights"}))
    if unknown or options["heights"] not in HEIGHT_PAIRS:
        raise InvalidInput(
            f"Paramètre du thème vegetation : heights vaut {' ou '.join(HEIGHT_PAIRS)} ; reçu "
            f"{unknown or options['heights']}.",
            f"Parameter of theme vegetation: heights is {' or '.join(HEIGHT_PAIRS)}; got "
            f"{unknown or options['heights']}.",
        )
    try:
        place = _read(commune, source)
    except NoData as error:
        told = others.read_others(commune, source)
        if told:
            return others.answer(commune, told, options)
        away = isinstance(error, OutOfCoverage)
        return Finding(
            "vegetation",
            commune,
            "out_of_coverage" if away else "no_data",
            sentences.nothing(commune, away),
            parameters=options,
            remedy=sentences.REMEDY,
        )
    shrub, tree = HEIGHT_PAIRS[options["heights"]]
    detailed = _detailed(commune, source, heights=options["heights"])
    called = named.read_named(commune, source)
    public = parks.read_parks(commune, source)
    more = Extra(
        public, others.read_others(commune, source), reference.read_points(commune, source),
        dates.of(commune, source, place),
    )  # fmt: skip
    finding = finding_of(commune, place, Limits(shrub, tree), detailed, called, more)
    return replace(finding, parameters=options, controls=(_control(options["heights"]),))


@dataclass(frozen=True)
class Extra:
    """What a source may hold beside: parks, others' maps, reference points, another summer."""

    parks: parks.Parks | None = None
    others: tuple[others.Told, ...] = ()
    points: tuple[gpd.GeoDataFrame, Provenance, str] | None = None
    change: Part = field(default_factory=Part)


def _control(heights: str) -> Control:
    labels: dict[str, Text] = {
        "1.5-5": {"fr": "1,5 m et 5 m", "en": "1.5 m and 5 m"},
        "0.5-1.5": {"fr": "0,5 m et 1,5 m", "en": "0.5 m and 1.5 m"},
    }
    return Control(
        "heights",
        {"fr": "Hauteurs des strates", "en": "Heights of strata"},
        heights,
        choices=tuple(labels.items()),
        help={
            "fr": "Les producteurs ne s'accordent pas sur la hauteur d'un arbuste et d'un arbre : "
            "les surfaces en dépendent.",
            "en": "Producers differ on how tall a shrub and a tree are: areas depend on it.",
        },
    )


@remembered(size=2)
def _read(commune: Commune, source: Any) -> Place:
    return read(commune, source)


@remembered(size=4)
def _detailed(
    commune: Commune, source: Any, *, heights: str
) -> tuple[xr.Dataset, gpd.GeoDataFrame] | None:
    """Strata and forms of the part with lidar heights and a photograph."""
    place = _read(commune, source)
    if place.fine is None:
        return None
    index, height, scale, _ = place.fine
    value = index["ndvi"]
    shrub, tree = HEIGHT_PAIRS[heights]
    limits = Limits(shrub, tree, height_std=LIDAR_STD)
    if not scale.calibrated:
        limits = replace(limits, ndvi=ndvi_threshold(value))
    found = _strata(value, height, limits, index["std"], roofs(value, place.context.buildings))
    inside = inside_of(value, commune)
    found["stratum"].values[~inside] = 255
    found.attrs["limits"] = limits
    return found, forms(found, height, place.context, height_std=LIDAR_STD)


def _strata(
    value: xr.DataArray, height: xr.DataArray | None, limits: Limits, std: xr.DataArray,
    roof: xr.DataArray | None,
) -> xr.Dataset:  # fmt: skip
    out = strata(value, height, limits, std, roof)
    return out.rio.write_crs(value.rio.crs).rio.write_transform(value.rio.transform())


def finding_of(
    commune: Commune,
    place: Place,
    limits: Limits,
    detailed: tuple[xr.Dataset, gpd.GeoDataFrame] | None = None,
    called: named.Named | None = None,
    more: Extra = Extra(),
) -> Finding:
    """The Finding of a commune from what was read (:func:`.data.read`)."""
    limits = replace(limits, height_std=place.height_std)
    if not place.scale.calibrated:
        limits = replace(limits, ndvi=ndvi_threshold(place.index["ndvi"]))
    value = place.index["ndvi"]
    heights = place.height is not None
    roof = roofs(value, place.context.buildings)
    made = _strata(value, place.height, limits, place.index["std"], roof)
    inside = inside_of(value, commune)
    found = shares(made, inside)
    if place.height is not None:
        bias = place.height_std / 2
        found = widened(found, value, place.height, limits, inside, place.index["std"], bias,
                        roof, EDGE)  # fmt: skip
    area = float(inside.sum()) * float(abs(value.rio.resolution()[0])) ** 2
    people = commune.population
    canopy = Estimate(*(found["tree"].__dict__[k] * area for k in ("value", "low", "high")))
    each = per_inhabitant(canopy, people) if heights else None
    cells = None
    if heights and place.cells is not None:
        cells = canopy_by_zone(made, place.cells)
    rule, compared = None, None
    beside = _beside(commune, place, made, inside, found, more, heights)
    if detailed is not None:
        fine, table = detailed
        compared = _compare(made, fine)
        rule = _rule(place, table, cells, fine, more.parks)
    indicators = _indicators(commune, place, found, area, each, cells, rule, detailed)
    layers: list[Layer] = [outline(commune)]
    charts: list[Any] = []
    if heights:
        layers.append(pictures.strata_layer("strata", made, limits, True, found))
        charts.append(pictures.strata_chart(found, area / 10_000))
    if cells is not None and cells["canopy"].notna().any():
        layers.append(pictures.cell_layer(cells))
    if detailed is not None:
        fine, table = detailed
        told = shares(fine, fine["stratum"].values != 255)
        layers.append(
            pictures.strata_layer("strata_detailed", fine, fine.attrs["limits"], False, told)
        )
        layers.append(pictures.forms_layer(table))
        charts.append(pictures.forms_chart(table))
    provenance = place.provenance
    if heights and called is not None:
        schools = named.schools_of(called, made, detailed[0] if detailed is not None else None)
        date = place.date or None
        indicators = (*indicators, *named.indicators(called, made, schools, date))
        charts += named.charts(commune, called, made, schools)
        provenance = (*provenance, *called.provenance)
    for part in beside:
        indicators = (*indicators, *part.indicators)
        layers += part.layers
        charts += part.charts
        provenance = (*provenance, *part.provenance)
    whole = heights and found["observed"].value > 0.95
    whole &= heights and bool(np.isfinite(made["tree"].values[inside]).mean() > 0.95)
    return Finding(
        theme="vegetation",
        commune=commune,
        status="complete" if whole else "partial",
        headline=sentences.headline(commune, found, each, place.date, heights),
        indicators=indicators,
        layers=tuple(layers),
        charts=tuple(charts),
        caveats=_caveats(
            beside,
            heights=heights,
            height_source=place.height_source,
            fine=detailed is not None,
            observed=found["observed"].value,
            parcels=place.context.parcels is not None,
            compared=compared,
            three=rule is not None,
            adjusted=more.points is not None,
        ),
        provenance=tuple({p.dataset: p for p in provenance}.values()),
        processing=(*place.notes, *(n for part in beside for n in part.notes)),
        remedy=None if heights else sentences.REMEDY_HEIGHTS,
    )


def _beside(
    commune: Commune, place: Place, made: xr.Dataset, inside: np.ndarray,
    found: dict[str, Estimate], more: Extra, heights: bool,
) -> list[Part]:  # fmt: skip
    """Parks, the change between two summers, reference points, other producers' maps."""
    public = more.parks
    if public is None:
        parcels = replace(place.context, buildings=None, roads=None, water=None)
        fields = zones(made["stratum"], parcels).field > 0 if parcels.parcels is not None else None
        public = parks.Parks(parks.green_areas(made, fields), None, "")
    out = [parks.of(commune, public, place.context.buildings, place.date, IMAGE), more.change]
    if more.points is not None and heights:
        out.append(reference.of(made, inside, *more.points))
    out.append(others.compared(commune, more.others, found["tree"] if heights else None))
    return out


def _caveats(beside: list[Part], **told: Any) -> tuple[Text, ...]:
    return (*sentences.caveats(**told), *(c for part in beside for c in part.caveats))


def _compare(made: xr.Dataset, fine: xr.Dataset) -> tuple[float, float] | None:
    """Canopy share of the same ground, by the map of the whole commune and the detailed one."""
    x, y = fine["x"].values, fine["y"].values
    part = made["stratum"].sel(x=slice(x.min(), x.max()), y=slice(y.max(), y.min())).values
    one, two = part[part < 4], fine["stratum"].values
    two = two[two < 4]
    if not one.size or not two.size:
        return None
    return float((one == 3).mean()), float((two == 3).mean())


def _rule(
    place: Place, table: gpd.GeoDataFrame, cells: gpd.GeoDataFrame | None, fine: xr.Dataset,
    public: parks.Parks | None,
) -> dict[str, float] | None:  # fmt: skip
    """3-30-300 of the homes of the detailed part; its last part where public parks are known."""
    homes = place.context.buildings
    if homes is None or cells is None or "nombre_de_logements" not in homes:
        return None
    west, south, east, north = fine["stratum"].rio.bounds()
    homes = homes.cx[west + 30 : east - 30, south + 30 : north - 30]
    homes = homes[homes["nombre_de_logements"].fillna(0) > 0]
    if homes.empty:
        return None
    trees = table[table["strate"] == "A"]
    open_ = table.iloc[:0] if public is None else public.shapes
    _, told = three_thirty(homes, trees, open_, cells, weight="nombre_de_logements")
    return told


def _indicators(
    commune: Commune, place: Place, found: dict[str, Estimate], area: float,
    each: Estimate | None, cells: gpd.GeoDataFrame | None, rule: dict[str, float] | None,
    detailed: tuple[xr.Dataset, gpd.GeoDataFrame] | None,
) -> tuple[Indicator, ...]:  # fmt: skip
    date = place.date or None
    out: list[Indicator] = []

    def add(
        name: str, fr: str, en: str, one: Estimate | float, unit: str, group: str,
        source: str = IMAGE, digits: int = 1, scale: float = 1.0,
    ) -> None:  # fmt: skip
        e = one if isinstance(one, Estimate) else Estimate(one, np.nan, np.nan)
        if not np.isfinite(e.value):
            return
        low, high = (scale * e.low, scale * e.high) if np.isfinite(e.low) else (None, None)
        out.append(Indicator(name, {"fr": fr, "en": en}, scale * e.value, unit, low, high, date,
                             source, digits, group))  # fmt: skip

    add("canopy_share", "Part sous les arbres", "Share under trees", found["tree"], "%",
        "cover", scale=100)  # fmt: skip
    add("shrub_share", "Part sous les arbustes", "Share under shrubs", found["shrub"], "%",
        "cover", scale=100)  # fmt: skip
    add("herb_share", "Part d'herbe (prés, pelouses, cultures vertes)",
        "Share of grass (meadows, lawns, green crops)", found["herb"], "%", "cover",
        scale=100)  # fmt: skip
    add("vegetation_share", "Part de végétation verte", "Share of green vegetation",
        found["vegetation"], "%", "cover", scale=100)  # fmt: skip
    if each is not None:
        add("canopy_per_inhabitant", "Couronnes d'arbres par habitant",
            "Tree crowns per inhabitant", each, "m²", "people", digits=0)  # fmt: skip
        green = found["vegetation"]
        total = Estimate(green.value * area, green.low * area, green.high * area)
        per = per_inhabitant(total, commune.population)
        if per is not None:
            add("green_per_inhabitant", "Végétation par habitant, herbe et champs verts compris",
                "Vegetation per inhabitant, grass and green fields included", per, "m²", "people",
                digits=0)  # fmt: skip
    if cells is not None and "ind" in cells:
        known = cells["canopy"].notna()
        people = cells.loc[known, "ind"].to_numpy(float)
        if people.sum() > 0:
            at = [cells.loc[known, c].to_numpy() >= 0.3
                  for c in ("canopy", "canopy_low", "canopy_high")]  # fmt: skip
            share = [float(people[k].sum() / people.sum()) for k in at]
            add("people_with_30_percent_canopy",
                "Habitants d'un carreau de 200 m qui a 30 % d'arbres",
                "Inhabitants of a 200 m cell with 30% of trees", Estimate(*share), "%", "people",
                scale=100, digits=0)  # fmt: skip
    if rule is not None:
        add("homes_with_three_trees", "Logements qui ont trois arbres à moins de 30 m "
            "(partie détaillée)", "Homes with three trees within 30 m (detailed part)",
            rule["three"], "%", "people", HEIGHTS, 0, 100)  # fmt: skip
        add("homes_3_30_300", "Logements qui ont les trois : 3 arbres, 30 %, un parc à 300 m "
            "(partie détaillée)", "Homes with all three: 3 trees, 30%, a park within 300 m "
            "(detailed part)", rule["all"], "%", "people", HEIGHTS, 0, 100)  # fmt: skip
    if detailed is not None:
        fine, table = detailed
        seen = (
            float((fine["stratum"].values != 255).sum())
            * float(abs(fine["stratum"].rio.resolution()[0])) ** 2
        )
        add("detailed_share", "Part de la commune qui a la carte détaillée",
            "Share of the commune with the detailed map", seen / area, "%", "measurement",
            HEIGHTS, 0, 100)  # fmt: skip
        for code, fr, en in (
            ("AI", "Arbres isolés (partie détaillée)", "Single trees (detailed part)"),
            ("AA", "Alignements d'arbres (partie détaillée)", "Rows of trees (detailed part)"),
        ):
            add(f"count_{code}", fr, en, float((table["fv"] == code).sum()), "", "forms",
                HEIGHTS, 0)  # fmt: skip
    add("observed_share", "Part de la commune observée", "Share of the commune observed",
        found["observed"].value, "%", "measurement", digits=0, scale=100)  # fmt: skip
    return tuple(out)
