"""What do satellites say about this commune?

>>> import eo_helpers as eo
>>> commune = eo.commune("Saint-Aubin")               # doctest: +SKIP
>>> finding = eo.analyse("lighting", commune)         # doctest: +SKIP
>>> eo.show(finding)                                  # doctest: +SKIP
>>> blocks = eo.open("lcz-cerema", commune)           # doctest: +SKIP

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import atelier
    from .findings import Finding
    from .territory.commune import Commune

__version__ = "0.1.0"

__all__ = ["analyse", "atelier", "commune", "open", "show", "source", "themes"]


def __getattr__(name: str) -> Any:
    """``eo.atelier``, imported when a workshop asks for it."""
    if name != "atelier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return importlib.import_module(f"{__name__}.atelier")


def __dir__() -> list[str]:
    """What the Tab key offers: the public face, not what this file imports."""
    return [*__all__, "__version__"]


def source(name: str | None = None, data: str | Path | Iterable[str | Path] | None = None) -> Any:
    """Open a source of data.

    Parameters
    ----------
    name : {"demo", "files", "online"}, optional
        ``"files"`` when ``data`` is given, else ``"demo"``.
    data : path or list of paths, optional
        Folders of yours; what is in them is found by looking inside the files.

    Raises
    ------
    InvalidInput
        If the source is not known or a folder does not exist.
    """
    from . import catalog

    folders = [data] if isinstance(data, str | Path) else list(data or ())
    kind = name or ("files" if folders else "demo")
    _seen_in_a_notebook()
    return catalog.open_source(kind, [Path(f) for f in folders] or None)


def commune(query: str, source: Any = None) -> Commune:
    """The commune that a name, an INSEE code or a postcode means.

    Parameters
    ----------
    query : str
    source : catalog.Source, optional
        From :func:`source`; the demonstration territory by default.

    Raises
    ------
    UnknownCommune
        With the nearest names.
    """
    from . import catalog

    _seen_in_a_notebook()
    return catalog.communes(source or catalog.open_source("demo")).find(query)


def analyse(theme: str, commune: Commune | str, source: Any = None, **parameters: Any) -> Finding:
    """All that a theme says of a commune.

    Parameters
    ----------
    theme : str
        One of :func:`themes`.
    commune : Commune or str
        A commune, or what :func:`commune` understands.
    source : catalog.Source, optional
        The demonstration territory by default.
    **parameters
        The theme's own; see its ``finding.analyse``.
    """
    from . import catalog
    from .findings import THEMES

    place = source or catalog.open_source("demo")
    where = catalog.communes(place).find(commune) if isinstance(commune, str) else commune
    finding = THEMES[theme].analyse(where, place, **parameters)
    _seen_in_a_notebook()
    return finding


def _seen_in_a_notebook() -> None:
    """In a notebook a Finding, a commune or a holding is seen, not spelt out."""
    if "IPython" in sys.modules:
        from .views.sentences import install_formatter

        install_formatter()


def show(finding: Finding, lang: str = "fr", basemap: bool = True) -> Any:
    """A Finding as widgets, in JupyterLab and Voilà: sentence, interactive map, charts, figures.

    Parameters
    ----------
    finding : Finding
        From :func:`analyse`.
    lang : {"fr", "en"}
    basemap : bool
        Plan IGN under the map, where a network is there; never under a fictional territory.

    Returns
    -------
    ipywidgets.VBox
    """
    from .views.notebook import show as widgets

    return widgets(finding, lang, basemap)


def open(dataset: str, commune: Commune | str, source: Any = None) -> Any:
    """A data set over a commune, checked, as the theme that uses it reads it.

    Parameters
    ----------
    dataset : str
        Identifier in the catalog (``eo-helpers data list``): ``"lcz-cerema"``,
        ``"vnp46a3"``, ``"sentinel-1"``, ``"dem"`` …
    commune : Commune or str
    source : catalog.Source, optional
        The demonstration territory by default.

    Returns
    -------
    geopandas.GeoDataFrame or xarray.Dataset or xarray.DataArray

    Raises
    ------
    InvalidInput
        If the data set is not known, has no reader, or a file is not what it promises.
    NoData
        If the source has nothing of it over the commune.
    """
    import importlib

    from . import catalog
    from .errors import InvalidInput

    reader = catalog.about(dataset)["eo_helpers:reader"]
    if not reader:
        raise InvalidInput(
            f"Le jeu de données « {dataset} » se lit autrement que par commune : "
            "prenez ses fichiers dans catalog.find(…).paths.",
            f"Data set '{dataset}' is not read by commune: take its files from catalog.find(…).",
        )
    place = source or catalog.open_source("demo")
    where = catalog.communes(place).find(commune) if isinstance(commune, str) else commune
    module, function = reader.split(":")
    read = getattr(importlib.import_module(f"{__name__}.{module}"), function)
    return read(catalog.find(dataset, where, place), where)


def themes() -> tuple[str, ...]:
    """Names of the themes, in the order in which a person sees them."""
    from .findings import THEMES

    return THEMES.names
