"""Sentences, and the whole of a Finding for a notebook or a terminal."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection
from typing import Any

from ..findings import Finding, theme
from ._html import fill
from .style import style
from .tables import caveats_html, figures_html, provenance_html, remedy_html, rows
from .words import colon, date_words, generic, say, word

__all__ = ["finding_html", "finding_text", "headline", "install_formatter", "status"]

_WIDTH = 720


def headline(finding: Finding, lang: str = "fr") -> str:
    """The one sentence."""
    return say(finding.headline, lang)


def status(finding: Finding, lang: str = "fr") -> str:
    """« Données partielles », « Commune hors couverture » … in words."""
    return word(finding.status, lang)


def finding_text(finding: Finding, lang: str = "fr") -> str:
    """The Finding for a terminal: sentence, figures, caveats, origin. No trailing newline."""
    about = f"{say(theme(finding.theme).title, lang)} – {finding.commune.name}"
    if finding.demonstration:
        about += f" [{word('demonstration', lang)}]"
    if finding.status != "complete":
        about += f" [{status(finding, lang)}]"
    lines = [headline(finding, lang), "", about]
    if finding.remedy:
        lines += ["", say(finding.remedy, lang)]
    if finding.indicators:
        lines += [""]
    for row in rows(finding, lang):
        about = ", ".join(part for part in (row["interval"], row["date"]) if part)
        lines.append(
            f"- {row['label']}{colon(lang)}{row['value']}" + (f" ({about})" if about else "")
        )
    if finding.caveats:
        lines += ["", word("caveats", lang) + colon(lang).rstrip()]
        lines += [f"- {say(caveat, lang)}" for caveat in finding.caveats]
    if finding.provenance:
        lines += ["", word("provenance", lang) + colon(lang).rstrip()]
    for p in finding.provenance:
        mark = f" [{word('demonstration', lang)}]" if p.demonstration else ""
        read = f"{word('read_at', lang).lower()} {date_words(p.read_at, lang)}"
        edition, mention, licence = (
            generic(text, lang) for text in (p.edition, p.attribution, p.licence)
        )
        lines.append(f"- {say(p.title, lang)}, {edition}. {mention} ({licence}), {read}{mark}")
    return "\n".join(lines)


def finding_html(
    finding: Finding, lang: str = "fr", parts: Collection[str] = ("head", "map", "body")
) -> str:
    """The whole Finding as one HTML fragment: sentence, map, charts, figures, detail folded.

    ``parts`` are those that are wanted: ``head`` (sentence, with the stylesheet), ``map``
    (static), ``body`` (what follows the map).
    """
    from markupsafe import Markup

    from .charts import chart_html

    return str(
        fill(
            "finding",
            parts=parts,
            style=Markup(style()),
            lang=lang,
            theme=say(theme(finding.theme).title, lang),
            commune=finding.commune.name,
            demonstration=finding.demonstration,
            state=status(finding, lang) if finding.status != "complete" else "",
            headline=headline(finding, lang),
            remedy=Markup(remedy_html(finding, lang)),
            map=_map(finding, lang) if "map" in parts else None,
            charts=[Markup(chart_html(chart, lang)) for chart in finding.charts if "body" in parts],
            figures=Markup(figures_html(finding, lang)),
            caveats=Markup(caveats_html(finding, lang)),
            provenance=Markup(provenance_html(finding.provenance, lang)),
        )
    )


def _map(finding: Finding, lang: str) -> dict[str, Any] | None:
    """The static map as a PNG data URI, with its text alternative; None without a layer."""
    if not finding.layers:
        return None
    from .maps import draw_map, map_figure, mapped

    figure, ax = map_figure(finding)
    draw_map(finding, ax, lang)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=144, bbox_inches="tight", metadata={"Software": None})
    alt = ". ".join(say(layer.alt, lang).rstrip(".") for layer in mapped(finding))
    return {
        "png": "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode(),
        "alt": alt,
        "width": _WIDTH,
    }


def install_formatter(lang: str = "fr") -> bool:
    """Show Findings, communes, sources and holdings as HTML in this IPython session.

    False where no IPython runs. They have no ``_repr_html_`` of their own, so that ``findings``,
    ``territory`` and ``catalog`` do not depend on views.
    """
    import sys

    # Not imported when absent: a script that never uses IPython must not pay for it.
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module is not None else None
    if shell is None:
        return False
    formatters = shell.display_formatter.formatters
    formatters["text/html"].for_type(Finding, lambda f: finding_html(f, lang))
    formatters["text/plain"].for_type(Finding, lambda f, p, cycle: p.text(finding_text(f, lang)))
    from ..catalog.sources import FolderSource, Holding
    from ..territory.commune import Commune
    from .cards import commune_html, holding_html, source_html

    formatters["text/html"].for_type(Commune, lambda c: commune_html(c, lang))
    formatters["text/html"].for_type(Holding, lambda h: holding_html(h, lang))
    formatters["text/html"].for_type(FolderSource, lambda s: source_html(s, lang))
    return True
