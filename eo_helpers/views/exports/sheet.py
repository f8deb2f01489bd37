"""« Fiche commune »: A4 pages to print, sentence and map first, sources and date at the end."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from PIL import Image

from ...catalog.provenance import Provenance
from ...findings import Finding, Indicator, theme
from ...text import day
from .. import charts
from ..maps import draw_map, map_figure, mapped
from ..sentences import headline
from ..words import colon, date_words, generic, interval, quantity_or_word, say, word

__all__ = ["write_sheet"]

MARGIN, WIDTH, BOTTOM = 14.0, 210.0, 297.0
INSIDE = WIDTH - 2 * MARGIN
ACCENT, INK, SOFT, LINE = (0, 0, 145), (22, 22, 22), (80, 80, 80), (221, 221, 221)
#: Width of a map with its legend, and of the column of words beside it, millimetres.
MAP, GAP = 96.0, 6.0
#: Tallest map of a theme, millimetres, and how many figures; the next while pages are too many.
TRIED = ((54.0, 3), (46.0, 2), (38.0, 1))
#: Tallest charts: under the map, beside it, and beside it a series (its words are smaller).
CHART, CHART_SMALL, CHART_SERIES = 44.0, 40.0, 54.0
PAGES = 2
#: A chart of many bars may be higher, or nobody could read it.
CHART_MANY, MANY = 58.0, 6
#: More themes than this are drawn without the wide chart, three a page.
FEW = 4
DPI = 220
#: Size of the sources' words: six themes and their sources are two pages.
SMALL = 6.3


class _Page(FPDF):
    """A4 with the commune on top and the mention of fictional data on every page."""

    def __init__(self, title: str, about: str, fictional: str, page: str) -> None:
        super().__init__(format="A4", unit="mm")
        self.told = (title, about, fictional, page)
        self.set_margin(MARGIN)
        self.set_auto_page_break(True, margin=16)
        from matplotlib import get_data_path

        # Free fonts with every French letter, that any installation of matplotlib carries.
        fonts = Path(get_data_path()) / "fonts" / "ttf"
        self.add_font("sans", "", fonts / "DejaVuSans.ttf")
        self.add_font("sans", "B", fonts / "DejaVuSans-Bold.ttf")

    def header(self) -> None:
        title, about, fictional, _ = self.told
        self.set_text_color(*INK)
        self.set_font("sans", "B", 17)
        self.cell(0, 9, title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_font("sans", "", 9)
        self.set_text_color(*SOFT)
        self.cell(0, 5, about, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if fictional:
            self.set_xy(WIDTH - MARGIN - 62, MARGIN)
            self.set_font("sans", "B", 8)
            self.set_fill_color(254, 236, 194)
            self.set_text_color(113, 96, 67)
            self.cell(62, 7, fictional, align="C", fill=True)
        self.set_xy(MARGIN, MARGIN + 17)

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font("sans", "", 7)
        self.set_text_color(*SOFT)
        self.cell(0, 4, f"{self.told[3]} {self.page_no()}", align="R")


def write_sheet(findings: Sequence[Finding], path: Path, lang: str, link: str | None) -> None:
    """Write the sheet of one commune.

    Each theme: title, sentence, map with legend and scale, its main figures with their
    interval, and a chart; a theme without data says so in its place. Then the sources with
    edition, licence and date, and the address of the page, also as a QR code.
    """
    commune = findings[0].commune
    fictional = any(finding.demonstration for finding in findings)
    made = max((p.read_at for f in findings for p in f.provenance), default="")
    where = commune.insee + (f", {quantity_or_word(commune.population, 'habitants', 0, lang)}"
                             if commune.population else "")  # fmt: skip
    for room in TRIED:
        page = _laid_out(findings, where, made, fictional, room, lang, link)
        if page.page_no() <= PAGES:
            break
    page.output(str(path))


def _laid_out(
    findings: Sequence[Finding],
    where: str,
    made: str,
    fictional: bool,
    room: tuple[float, int],
    lang: str,
    link: str | None,
) -> _Page:
    commune = findings[0].commune
    page = _Page(
        commune.name,
        f"{word('sheet', lang)} · {where} · "
        + word("sheet_made", lang).format(day(dt.date.today(), lang)),
        word("demonstration", lang) if fictional else "",
        "page",
    )
    page.set_lang(lang)
    page.set_title(f"{commune.name} – {word('sheet', lang)}")
    page.set_creator("eo_helpers")
    if made:
        page.set_creation_date(dt.datetime.fromisoformat(made.replace("Z", "+00:00")))
    page.add_page()
    small = len(findings) >= FEW
    for finding in findings:
        _block(page, finding, lang, small, room)
    _origin(page, findings, lang, link)
    return page


def _block(page: _Page, finding: Finding, lang: str, small: bool, room: tuple[float, int]) -> None:
    tallest, figures = room
    # An outline alone is no map of anything.
    plain = all(layer.kind != "raster" and not layer.opacity for layer in finding.layers)
    if plain and not finding.indicators:
        _room(page, 28)
        _title(page, finding, lang)
        _words(page, headline(finding, lang), MARGIN, INSIDE, 10)
        if finding.remedy:
            _words(page, say(finding.remedy, lang), MARGIN, INSIDE, 8.5, SOFT)
        page.ln(4)
        return
    drawn = _map(finding, lang, tallest)
    wide = None if small or not finding.charts else _chart(finding, lang, False, tallest)
    tall = drawn[1] if drawn else 40.0
    _room(page, tall + 12 + (wide[1] + 8 if wide else 0))
    _title(page, finding, lang)
    top = page.get_y()
    column = MARGIN + (MAP + GAP if drawn else 0)
    width = WIDTH - MARGIN - column
    if drawn:
        page.image(drawn[0], MARGIN, top, w=drawn[2], h=drawn[1], alt_text=_alt(finding, lang))
    page.set_xy(column, top)
    _words(page, headline(finding, lang), column, width, 9.5, bold=True)
    page.ln(1.5)
    # Many bars in a narrow column could not be read: the main figures say more.
    few = finding.charts and len(finding.charts[0].data) <= MANY
    few = few or (finding.charts and finding.charts[0].kind == "series")
    chart = _chart(finding, lang, True, tallest) if small and few else None
    if chart is not None:
        _words(page, say(finding.charts[0].title, lang), column, width, 8, bold=True)
        page.image(chart[0], column, page.get_y() + 1, w=chart[2], h=chart[1],
                   alt_text=say(finding.charts[0].alt, lang))  # fmt: skip
        page.set_y(page.get_y() + chart[1] + 2)
    else:
        for indicator in _main(finding)[:figures]:
            _figure(page, indicator, column, width, lang)
    page.set_y(max(page.get_y(), top + tall) + 2)
    if wide is not None:
        _words(page, say(finding.charts[0].title, lang), MARGIN, INSIDE, 8.5, bold=True)
        page.ln(1)
        page.image(wide[0], MARGIN, page.get_y(), w=wide[2], h=wide[1],
                   alt_text=say(finding.charts[0].alt, lang))  # fmt: skip
        page.set_y(page.get_y() + wide[1] + 2)
    page.ln(3)


def _room(page: _Page, height: float) -> None:
    """A theme is not cut by the end of a page."""
    if page.get_y() + height > BOTTOM - 16 and page.get_y() > MARGIN + 20:
        page.add_page()


def _title(page: _Page, finding: Finding, lang: str) -> None:
    page.set_draw_color(*ACCENT)
    page.set_line_width(0.5)
    page.line(MARGIN, page.get_y(), WIDTH - MARGIN, page.get_y())
    page.set_font("sans", "B", 10)
    page.set_text_color(*ACCENT)
    page.set_x(MARGIN)
    title = say(theme(finding.theme).title, lang)
    page.cell(0, 7, title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _words(
    page: _Page,
    text: str,
    x: float,
    width: float,
    size: float,
    color: tuple[int, int, int] = INK,
    bold: bool = False,
) -> None:
    page.set_x(x)
    page.set_font("sans", "B" if bold else "", size)
    page.set_text_color(*color)
    page.multi_cell(width, size * 0.47, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _main(finding: Finding) -> list[Indicator]:
    """The theme's first figures: those that its own table shows first."""
    return [one for one in finding.indicators if one.value is not None]


def _figure(page: _Page, indicator: Indicator, x: float, width: float, lang: str) -> None:
    value = quantity_or_word(indicator.value, indicator.unit, indicator.digits, lang)
    bounds = interval(indicator.low, indicator.high, indicator.unit, indicator.digits, lang)
    _words(page, say(indicator.label, lang) + colon(lang).rstrip(), x, width, 7.5, SOFT)
    _words(page, f"{value} ({bounds})" if bounds else value, x, width, 8.5, bold=True)
    page.ln(0.8)


def _map(finding: Finding, lang: str, tallest: float) -> tuple[io.BytesIO, float, float] | None:
    """PNG of the map, its height and width in millimetres."""
    if not mapped(finding):
        return None
    figure, ax = map_figure(finding, 5.6, 0.55, 0.08)
    draw_map(finding, ax, lang, origin=False)
    stream = io.BytesIO()
    # Tight: a long legend may be higher than its map.
    figure.savefig(stream, dpi=DPI, format="png", bbox_inches="tight", pad_inches=0.02)
    with Image.open(stream) as picture:
        across, up = picture.size
    height = min(MAP * up / across, tallest)
    return stream, height, height * across / up


def _alt(finding: Finding, lang: str) -> str:
    return " ".join(say(layer.alt, lang) for layer in mapped(finding))


def _chart(
    finding: Finding, lang: str, narrow: bool, tallest: float
) -> tuple[io.BytesIO, float, float]:
    import matplotlib

    drawn, _ = charts.figure(finding.charts[0], lang, narrow)
    stream = io.BytesIO()
    with matplotlib.rc_context({"font.family": "DejaVu Sans"}):
        drawn.savefig(stream, dpi=DPI, format="png")
    across, up = drawn.get_size_inches()
    room = (WIDTH - 2 * MARGIN - MAP - GAP) if narrow else INSIDE
    most = CHART_MANY if len(finding.charts[0].data) > MANY and up > 0.5 * across else CHART
    beside = CHART_SERIES if finding.charts[0].kind == "series" else CHART_SMALL
    height = min(room * up / across, min(beside, tallest) if narrow else most)
    return stream, height, height * across / up


def _sources(told: list[Provenance], lang: str) -> str:
    """Data sets by licence, in few words; that they are fictional is said on top of each page."""
    groups: dict[str, list[str]] = {}
    for p in told:
        edition = generic(p.edition.removesuffix(" (démonstration)"), lang)
        whose = "" if p.demonstration else f", {p.attribution}"
        groups.setdefault(generic(p.licence, lang), []).append(
            f"{say(p.title, lang)}, {edition}{whose}"
        )
    text = ". ".join(f"{name}{colon(lang)}{' · '.join(rows)}" for name, rows in groups.items())
    days = sorted({p.read_at[:10] for p in told if p.read_at})
    if days:
        read = " – ".join(dict.fromkeys(date_words(d, lang) for d in (days[0], days[-1])))
        text += f". {word('read_at', lang)} {read}."
    return text


def _origin(page: _Page, findings: Sequence[Finding], lang: str, link: str | None) -> None:
    """Where it comes from, what it does not say, and the way back."""
    told = {p.dataset: p for finding in findings for p in finding.provenance}
    width = INSIDE - (34 if link else 0)
    text = _sources(list(told.values()), lang)
    page.set_font("sans", "", SMALL)
    lines = page.multi_cell(width, SMALL * 0.47, text, dry_run=True, output="LINES")
    high = SMALL * 0.47 * len(lines)  # type: ignore[arg-type]
    _room(page, max(high + 8, 30 if link else 0) + (6 if link else 0))
    page.set_draw_color(*LINE)
    page.line(MARGIN, page.get_y(), WIDTH - MARGIN, page.get_y())
    page.ln(1.5)
    top = page.get_y()
    _words(page, word("provenance", lang), MARGIN, width, 8.5, bold=True)
    _words(page, text, MARGIN, width, SMALL, SOFT)
    if not link:
        return
    import segno

    stream = io.BytesIO()
    segno.make(link, micro=False).save(stream, kind="png", scale=8, border=0)
    page.image(stream, WIDTH - MARGIN - 26, top, w=26, h=26, alt_text=f"QR code: {link}")
    below = max(page.get_y(), top + 27)
    page.set_xy(MARGIN, below)
    _words(page, f"{word('sheet_link', lang)}{colon(lang)}{link}", MARGIN, INSIDE, 7, SOFT)
