"""A Finding in a notebook: as widgets, or piece by piece for one that tells a story."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import InvalidInput
from ..findings import Finding
from .sentences import finding_html, finding_text

__all__ = ["chart", "draw", "figures", "limits", "mark", "show", "style_plots"]


def show(finding: Finding, lang: str = "fr", basemap: bool = True) -> Any:
    """The Finding as widgets: sentence, interactive map, charts, figures, detail folded.

    For JupyterLab and Voilà. A page that must live without a kernel (printed, sent by
    mail) is better served by the Finding itself as the last line of a cell: it shows the
    same, with a static map.

    Parameters
    ----------
    finding : Finding
        Any theme's.
    lang : {"fr", "en"}
    basemap : bool
        Plan IGN under the map, where a network is there; never under a fictional territory.

    Returns
    -------
    ipywidgets.VBox
    """
    import ipywidgets

    from .maps import map_parts
    from .words import word

    head = ipywidgets.HTML(finding_html(finding, lang, ("head",)))
    body = ipywidgets.HTML(finding_html(finding, lang, ("body",)))
    # Nothing to lay over the ground, nothing to see on a map.
    middle: list[Any] = []
    if finding.layers:
        drawn, choice, legend = map_parts(finding, lang, basemap, 420)
        choice.description, choice.layout.width = word("map", lang), "auto"
        middle = [choice, drawn, legend] if len(choice.options) > 1 else [drawn, legend]

    class Shown(ipywidgets.VBox):
        """Where no widget runs, the text says as much."""

        def __repr__(self) -> str:
            return finding_text(finding, lang)

    shown = Shown([head, *middle, body])
    shown.layout.max_width = "784px"
    return shown


def draw(finding: Finding, *layers: str, lang: str = "fr") -> Any:
    """A static map of the Finding: a matplotlib figure, to be shown, saved or drawn upon.

    Parameters
    ----------
    finding : Finding
    *layers : str
        Names of layers, lowest first; by default the first that is shown.
    lang : {"fr", "en"}

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InvalidInput
        If the Finding has no such layer.
    """
    from .maps import draw_map, map_figure

    known = [layer.name for layer in finding.layers]
    for name in layers:
        _check(name, known, "couche", "layer")
    _plots_are_shown()
    figure, ax = map_figure(finding)
    draw_map(finding, ax, lang, layers or None)
    return figure


def chart(finding: Finding, name: str | None = None, lang: str = "fr") -> Any:
    """One chart of the Finding (its first by default), as on the page.

    Raises
    ------
    InvalidInput
        If the Finding has no such chart.
    """
    from .charts import chart_html

    known = {drawn.name: drawn for drawn in finding.charts}
    if name is None:
        name = next(iter(known), "")
    _check(name, list(known), "graphique", "chart")
    return _article(chart_html(known[name], lang), lang)


def figures(finding: Finding, *names: str, lang: str = "fr") -> Any:
    """The indicators of those names (all by default) as a table in words.

    Raises
    ------
    InvalidInput
        If the Finding has no such indicator.
    """
    from .tables import figures_html

    known = {indicator.name: indicator for indicator in finding.indicators}
    for name in names:
        _check(name, list(known), "chiffre", "indicator")
    kept = tuple(known[name] for name in names) if names else finding.indicators
    return _article(figures_html(replace(finding, indicators=kept), lang), lang)


def limits(finding: Finding, lang: str = "fr") -> Any:
    """What the data do not say, as a list."""
    from .tables import caveats_html

    return _article(caveats_html(finding, lang), lang)


def _article(inside: str, lang: str) -> Any:
    from IPython.display import HTML

    from .style import style

    return HTML(f'<style>{style()}</style><div class="eo-finding" lang="{lang}">{inside}</div>')


def mark(figure: Any, fictional: Any = True, lang: str = "fr") -> Any:
    """Write « Données de démonstration » on a figure of one's own where that is what it shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    fictional : Commune, Finding or bool
        What says whether the data are fictional.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from .words import word

    if getattr(fictional, "demonstration", fictional):
        figure.supxlabel(
            word("demonstration", lang), x=0.995, ha="right", fontsize=8, color="#5c4d33"
        )
    return figure


def style_plots() -> Any:
    """House style for the plots of a notebook; returns ``matplotlib.pyplot``.

    Sober axes, colours that colour-blind people tell apart, figures of one width.
    """
    import matplotlib.pyplot as plt

    plt.rcParams.update(
        {
            "figure.figsize": (8.4, 3.6),
            "figure.dpi": 96,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titleweight": "bold",
            "axes.titlesize": 11,
            "axes.grid": False,
            "axes.prop_cycle": plt.cycler(
                color=["#0f6073", "#d1661b", "#6a4c93", "#8c8c8c", "#1b7a3d"]
            ),
            "legend.frameon": False,
        }
    )
    return plt


def _plots_are_shown() -> None:
    """Let this kernel show figures that pyplot does not know of."""
    import sys

    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    if shell is not None:
        from IPython.core.pylabtools import select_figure_formats

        select_figure_formats(shell, {"png"})


def _check(name: str, known: list[str], what: str, what_en: str) -> None:
    if name not in known:
        listed = ", ".join(known) or "aucun"
        raise InvalidInput(
            f"Ce résultat n'a pas de {what} « {name} » ; il a : {listed}.",
            f"This finding has no {what_en} '{name}'; it has: {', '.join(known) or 'none'}.",
        )
