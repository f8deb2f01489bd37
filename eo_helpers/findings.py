"""Finding: all that a theme says of a commune, between the science and the screens.

A theme returns a :class:`Finding`; dashboards, notebooks, the command line and
printed sheets are views of it. Nothing here draws, reads a data set or computes.
"""

from __future__ import annotations

import importlib
import json
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import cachetools

from .catalog.provenance import Provenance
from .errors import InvalidInput
from .territory.commune import Commune
from .text import Text, of_place

__all__ = [
    "THEMES",
    "Bars",
    "Category",
    "Chart",
    "Control",
    "Event",
    "Finding",
    "Indicator",
    "Layer",
    "Legend",
    "Line",
    "Scale",
    "Series",
    "Status",
    "Theme",
    "outline",
    "remembered",
    "theme",
]

Status = Literal["complete", "partial", "no_data", "out_of_coverage"]


@dataclass(frozen=True)
class Indicator:
    """One figure about a commune, with its uncertainty, date and source.

    ``name`` is a stable snake_case identifier; ``low`` and ``high`` bound a 95 %
    interval unless ``label`` says otherwise, and are None where no uncertainty can
    honestly be given. ``source`` is the id of a data set in ``Finding.provenance``.
    ``group`` gathers indicators that one table shows together.
    """

    name: str
    label: Text
    value: float | str | None
    unit: str
    low: float | None = None
    high: float | None = None
    date: str | None = None
    source: str = ""
    digits: int = 1
    group: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": _plain(self.value),
            "unit": self.unit,
            "low": _plain(self.low),
            "high": _plain(self.high),
            "date": self.date,
            "source": self.source,
            "label": dict(self.label),
            "digits": self.digits,
            "group": self.group,
        }


@dataclass(frozen=True)
class Category:
    """One entry of a categorical legend: colour AND mark (a letter or a sign)."""

    value: str
    label: Text
    color: str
    mark: str = ""


@dataclass(frozen=True)
class Scale:
    """A continuous scale: a named matplotlib colour map between two values."""

    cmap: str
    vmin: float
    vmax: float


@dataclass(frozen=True)
class Legend:
    """Categories or a scale, never both, with the quantity's name and unit.

    ``note`` explains in one sentence a word of the title that is not everyday language.
    """

    title: Text
    unit: str = ""
    categories: tuple[Category, ...] = ()
    scale: Scale | None = None
    note: Text | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "title": dict(self.title),
            "unit": self.unit,
            "categories": [
                {"value": c.value, "label": dict(c.label), "color": c.color, "mark": c.mark}
                for c in self.categories
            ],
            "scale": vars(self.scale).copy() if self.scale else None,
            "note": dict(self.note) if self.note else None,
        }


@dataclass(frozen=True, eq=False)
class Layer:
    """A map layer: geometries or a raster, with its legend and a text alternative.

    ``data`` is a ``geopandas.GeoDataFrame`` (any CRS; ``column`` holds the category
    value or the quantity) or an ``xarray.DataArray`` with dims ``(y, x)`` and
    ``rio.crs`` (NaN = transparent). ``tooltip`` names text columns (without language
    suffix: ``tooltip_fr`` and ``tooltip_en`` must exist in ``data``).
    """

    name: str
    title: Text
    alt: Text
    data: Any
    legend: Legend
    column: str = ""
    tooltip: str = ""
    opacity: float = 0.7
    shown: bool = True
    #: Width (pixels) of an outline in the class's own colour, for shapes too narrow to be seen.
    edge: float = 0.0
    #: The measured quantity behind the classes that are drawn, for files that are taken away:
    #: a DataArray of one's own, with ``attrs["units"]``.
    quantity: Any = None

    @property
    def kind(self) -> Literal["vector", "raster"]:
        return "vector" if hasattr(self.data, "geometry") else "raster"

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "kind": self.kind,
            "title": dict(self.title),
            "alt": dict(self.alt),
            "legend": self.legend.to_dict(),
            "column": self.column,
        }


@dataclass(frozen=True, eq=False)
class Bars:
    """A bar chart: ``data`` has columns label_fr, label_en, value, color[, low, high, mark]."""

    name: str
    title: Text
    alt: Text
    data: Any
    unit: str
    digits: int = 1
    kind: Literal["bars"] = "bars"


@dataclass(frozen=True)
class Line:
    """One column of a :class:`Series`; style is line, points, step, stairs or band.

    A band reads the columns ``low`` and ``high``; a step changes half-way between two dates
    (a level), stairs at the date itself (a count).
    """

    column: str
    label: Text
    style: Literal["line", "points", "step", "stairs", "band"] = "line"
    low: str = ""
    high: str = ""


@dataclass(frozen=True)
class Event:
    """Something that happened at ``date`` (ISO), between ``low`` and ``high``."""

    date: str
    label: Text
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True, eq=False)
class Series:
    """A time series chart: ``data`` has a ``date`` column (ISO) and one column per line."""

    name: str
    title: Text
    alt: Text
    data: Any
    unit: str
    lines: tuple[Line, ...] = ()
    events: tuple[Event, ...] = ()
    digits: int = 2
    kind: Literal["series"] = "series"


Chart = Bars | Series


@dataclass(frozen=True)
class Control:
    """A parameter that a person may move on a screen: a slider, or a choice.

    The screen asks the theme again with ``{name: value}`` among its parameters, so ``name`` is a
    parameter of ``analyse`` and ``value`` the one this Finding was computed with. A slider goes
    from ``low`` to ``high`` by ``step``; a choice has ``choices`` (value and label).
    ``help`` is one sentence that says what moving it means.
    """

    name: str
    label: Text
    value: float | str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.1
    unit: str = ""
    digits: int = 1
    choices: tuple[tuple[str, Text], ...] = ()
    help: Text | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "label": dict(self.label),
            "value": _plain(self.value),
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "unit": self.unit,
            "digits": self.digits,
            "choices": [{"value": value, "label": dict(label)} for value, label in self.choices],
            "help": dict(self.help) if self.help else None,
        }


def _chart_dict(chart: Chart) -> dict[str, Any]:
    columns = chart.data.to_dict(orient="list")
    out: dict[str, Any] = {
        "name": chart.name,
        "kind": chart.kind,
        "title": dict(chart.title),
        "alt": dict(chart.alt),
        "unit": chart.unit,
        "digits": chart.digits,
        "data": {key: [_plain(v) for v in values] for key, values in columns.items()},
    }
    if isinstance(chart, Series):
        out["lines"] = [{**vars(line), "label": dict(line.label)} for line in chart.lines]
        out["events"] = [{**vars(event), "label": dict(event.label)} for event in chart.events]
    return out


@dataclass(frozen=True, eq=False)
class Finding:
    """All that a theme says of a commune.

    Two runs with the same ``parameters`` on the same data give the same Finding.
    """

    theme: str
    commune: Commune
    status: Status
    headline: Text
    indicators: tuple[Indicator, ...] = ()
    layers: tuple[Layer, ...] = ()
    charts: tuple[Chart, ...] = ()
    caveats: tuple[Text, ...] = ()
    provenance: tuple[Provenance, ...] = ()
    #: Given back to ``analyse``, they find the same again.
    parameters: dict[str, Any] = field(default_factory=dict)
    #: What an engineer wants to know: units found, thresholds, voids.
    processing: tuple[Text, ...] = ()
    #: What a person may move on a screen; each name is one of ``parameters``.
    controls: tuple[Control, ...] = ()
    #: What would bring the data, when ``status`` is not complete.
    remedy: Text | None = None

    def __getitem__(self, name: str) -> Indicator:
        """The indicator of that name."""
        for indicator in self.indicators:
            if indicator.name == name:
                return indicator
        raise KeyError(name)

    @property
    def demonstration(self) -> bool:
        """True if anything in it is fictional."""
        return self.commune.demonstration or any(p.demonstration for p in self.provenance)

    def to_dict(self) -> dict[str, Any]:
        """Figures, sentences and provenance, ready for JSON (layers by their description)."""
        return {
            "theme": self.theme,
            "commune": self.commune.to_dict(),
            "status": self.status,
            "headline": dict(self.headline),
            "indicators": [i.to_dict() for i in self.indicators],
            "layers": [layer.to_dict() for layer in self.layers],
            "charts": [_chart_dict(chart) for chart in self.charts],
            "caveats": [dict(c) for c in self.caveats],
            "provenance": [p.to_dict() for p in self.provenance],
            "parameters": self.parameters,
            "processing": [dict(note) for note in self.processing],
            "controls": [control.to_dict() for control in self.controls],
            "remedy": dict(self.remedy) if self.remedy else None,
            "demonstration": self.demonstration,
        }

    def to_json(self) -> str:
        """:meth:`to_dict` as JSON text (UTF-8, no NaN)."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)


def _plain(value: Any) -> Any:
    """A value that JSON can hold: numpy scalars unwrapped, NaN as None."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value


def remembered(size: int = 2) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Keep the last results of a slow step ``(commune, source, **options)`` in this process.

    For what does not depend on a :class:`Control`: moving a slider then costs the rest only.
    Data that changed on disk change ``source.fingerprint()``, and are read again. What is
    returned is shared: it must not be modified.
    """

    def key(commune: Commune, source: Any, **options: Any) -> tuple[Any, ...]:
        return (commune.insee, source.fingerprint(), *sorted(options.items()))

    return cachetools.cached(cachetools.LRUCache(size), key=key, lock=threading.Lock())


class Analyse(Protocol):
    """``analyse(commune, source, **parameters) -> Finding``, in each theme's ``finding.py``."""

    def __call__(self, commune: Commune, source: Any, **parameters: Any) -> Finding: ...


@dataclass(frozen=True)
class Theme:
    """One use case: a folder of the package with ``data.py``, methods and ``finding.py``.

    ``compared`` says that a commune stands among others where the data hold them: in indicators
    of the group ``comparison``.
    """

    name: str
    title: Text
    compared: bool = False

    @property
    def analyse(self) -> Callable[..., Finding]:
        """The theme's ``analyse``; imported when asked for, so that a menu costs nothing."""
        return importlib.import_module(f"{__package__}.{self.name}.finding").analyse

    @property
    def controls(self) -> tuple[str, ...]:
        """Names of the parameters that a visitor may move: ``CONTROLS`` of ``finding.py``."""
        module = importlib.import_module(f"{__package__}.{self.name}.finding")
        return tuple(getattr(module, "CONTROLS", ()))


class _Themes:
    """The registered themes, in the order in which a person sees them."""

    def __init__(self, *themes: Theme) -> None:
        self._by_name = {t.name: t for t in themes}

    def __iter__(self) -> Iterator[Theme]:
        return iter(self._by_name.values())

    def __getitem__(self, name: str) -> Theme:
        try:
            return self._by_name[name]
        except KeyError:
            known = ", ".join(self._by_name)
            raise InvalidInput(
                f"Le thème « {name} » n'existe pas ; thèmes connus : {known}.",
                f"There is no theme '{name}'; known themes: {known}.",
            ) from None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)


#: To add a theme: add its folder, and one line here.
THEMES = _Themes(
    Theme("lcz", {"fr": "Climat local et chaleur", "en": "Local climate and heat"}, True),
    Theme("lighting", {"fr": "Éclairage nocturne", "en": "Night lighting"}, True),
    Theme("flood", {"fr": "Inondation", "en": "Flood"}),
    Theme("vegetation", {"fr": "Végétation", "en": "Vegetation"}),
    Theme("desealing", {"fr": "Désimperméabiliser", "en": "Desealing"}),
    Theme("coastline", {"fr": "Trait de côte", "en": "Coastline"}, True),
)


def theme(name: str) -> Theme:
    """The registered theme of that name; :class:`InvalidInput` if there is none."""
    return THEMES[name]


def outline(commune: Commune) -> Layer:
    """The commune's boundary as a layer without filling, for themes that draw rasters."""
    frame = commune.to_geodataframe()[["name", "geometry"]]
    frame["outline"] = "commune"
    label = {"fr": "Limite de la commune", "en": "Boundary of the commune"}
    return Layer(
        "commune",
        label,
        {"fr": f"Contour {of_place(commune.name)}", "en": f"Outline of {commune.name}"},
        frame,
        Legend(label, categories=(Category("commune", label, "#1b1b35"),)),
        column="outline",
        opacity=0.0,
    )
