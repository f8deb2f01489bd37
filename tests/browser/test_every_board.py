"""Each theme's dashboard on the demonstration, as somebody who was sent a link uses it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import pypdf
import pytest

pytestmark = pytest.mark.browser

TOWN, SHORE, OTHER = "Saint-Aubin-sur-Ervelle", "Portervelle-sur-Mer", "Mesnil-Brévant"


@dataclass(frozen=True)
class Path:
    """A dashboard, and what a person may move on it: a control's name, its label, keys, value."""

    board: str
    title: str
    theme: str
    insee: str = "99001"
    name: str = TOWN
    control: str = ""
    label: str = ""
    keys: tuple[str, ...] = ()
    value: str = ""
    kept: str = ""  # as the notebook writes it


PATHS = (
    Path("chaleur", "Climat local et chaleur", "lcz"),
    Path("eclairage", "Éclairage nocturne", "lighting"),
    Path("inondation", "Inondation", "flood", control="rise", label="Et si l'eau montait",
         keys=("ArrowRight",), value="0.25", kept="'rise': 0.25"),
    Path("vegetation", "Végétation", "vegetation", control="heights", label="Hauteurs des strates",
         keys=("ArrowDown",), value="0.5-1.5", kept="'heights': '0.5-1.5'"),
    Path("desimpermeabiliser", "Désimperméabiliser", "desealing", control="w_heat",
         label="sensibilité à la chaleur", keys=("End",), value="3.0",
         kept=r"'w_heat': 3(\.0)?\b"),
    Path("trait_de_cote", "Trait de côte", "coastline", "99004", SHORE, "sigma_old",
         "Erreur de la ligne ancienne", ("ArrowRight",), "6.0", r"'sigma_old': 6(\.0)?\b"),
)  # fmt: skip


def figures(panel) -> str:
    """Everything that the panel says in figures: sentence and tables."""
    return panel.locator(".eo-headline").inner_text() + panel.locator(".eo-figures").inner_text()


def in_order(panel) -> None:
    parts = (".eo-headline", ".leaflet-container", "svg[role=img]", ".eo-figures-table")
    boxes = [panel.locator(p).locator("visible=true").first.bounding_box() for p in parts]
    tops = [box["y"] for box in boxes]
    assert tops == sorted(tops)


def curtain_moves(page, panel) -> None:
    """The curtain follows the keys; it belongs to the eye, no address carries it."""
    handle = panel.get_by_role("slider", name="Rideau entre avant et après")
    top = panel.locator(".leaflet-overlay-pane .leaflet-image-layer").last
    page.wait_for_function("e => e.style.clipPath.includes('50%')", arg=top.element_handle())
    handle.focus()
    page.keyboard.press("ArrowRight")
    assert "51%" in top.evaluate("image => image.style.clipPath")


def moved(page, panel, path: Path) -> None:
    """Move the control by keyboard; the page answers with other figures."""
    field = panel.get_by_label(re.compile(path.label))
    before = figures(panel)
    field.focus()
    for key in path.keys:
        page.keyboard.press(key)
    page.wait_for_function(
        """([name, value]) => {
          const told = new URLSearchParams(location.search).get(name);
          return told !== null && (told === value || Number(told) === Number(value));
        }""",
        arg=[f"{path.theme}.{path.control}", path.value],
    )
    page.wait_for_function(
        """before => [...document.querySelectorAll('.eo-headline, .eo-figures')]
           .map(part => part.innerText).join('') !== before""",
        arg=before,
        timeout=60_000,
    )
    # « Revenir aux réglages de départ » comes with the answer that the setting was used for.
    panel.get_by_role("button", name="Revenir aux réglages de départ").wait_for()
    # Sentence, controls and tables arrive one after the other; the sign goes when all are there.
    page.wait_for_function("() => !document.querySelector('.eo-busy')", timeout=60_000)


@pytest.mark.parametrize("path", PATHS, ids=[path.board for path in PATHS])
def test_a_link_a_control_a_reload_the_way_back_and_files(visit, demo_server, path):
    visitor = visit(demo_server)
    page = visitor.page
    visitor.open(f"?commune={path.insee}", board=path.board)
    visitor.wait_answer(path.name)
    panel = visitor.panel(path.title)
    assert visitor.panels().count() == 1 and path.name in panel.locator(".eo-headline").inner_text()
    in_order(panel)
    if path.board == "eclairage":
        curtain_moves(page, panel)
    if path.control:
        moved(page, panel, path)

    said, address = figures(panel), page.url
    asked = next((p for p in re.split("[?&]", address) if p.startswith(f"{path.theme}.")), "")
    assert bool(asked) is bool(path.control)
    page.reload(wait_until="commit")
    visitor.field.wait_for(timeout=60_000)
    visitor.wait_answer(path.name)
    assert page.url == address and figures(panel) == said

    links = page.locator(".eo-files a").evaluate_all("all => all.map(a => a.href)")
    by_ending = {link.partition("?")[0].rsplit(".", 1)[1]: link for link in links}
    assert all(asked in link and f"theme={path.theme}" in link for link in links)
    sheet = page.request.get(by_ending["pdf"], timeout=60_000)
    assert sheet.headers["content-type"] == "application/pdf"
    pages = pypdf.PdfReader(io.BytesIO(sheet.body())).pages
    assert 1 <= len(pages) <= 2 and path.name in pages[0].extract_text()
    book = page.request.get(by_ending["ipynb"], timeout=60_000).json()
    parameters = next(c for c in book["cells"] if c["metadata"].get("tags") == ["parameters"])
    assert f"COMMUNE = '{path.insee}'" in parameters["source"]
    assert re.search(path.kept, parameters["source"])

    page.get_by_role("button", name=OTHER).click()
    visitor.wait_answer(OTHER)
    assert path.name not in panel.locator(".eo-headline, .eo-calm").first.inner_text()
    page.go_back()
    visitor.wait_answer(path.name)
    assert page.url == address and figures(panel) == said


def test_the_whole_sheet_of_a_commune_is_two_pages(demo_server, visit):
    page = visit(demo_server).page
    # By the sea: no commune has more to say.
    sheet = page.request.get(f"{demo_server}telecharger/99004.pdf", timeout=240_000)
    pages = pypdf.PdfReader(io.BytesIO(sheet.body())).pages
    assert len(pages) == 2 and "D'où viennent ces données" in pages[1].extract_text()
