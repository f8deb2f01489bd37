"""The main job on the demonstration territory, as ``make dashboards`` serves it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

THEMES = ("Climat local et chaleur", "Éclairage nocturne", "Inondation", "Végétation",
          "Désimperméabiliser")  # fmt: skip
COAST = "Trait de côte"
TOWN, OTHER, ISLAND = "Saint-Aubin-sur-Ervelle", "Mesnil-Brévant", "Le Morne-Vermeil"

#: French puts a space that no line is broken at before these signs.
BREAKABLE = re.compile(r"\S+ [:;?!»%]|« \S+")


def theme_speaks_of(panel, name: str, chart: bool = True) -> None:
    """Sentence, map, chart, figures with source and date; marked as a demonstration."""
    sentence = panel.locator(".eo-headline").inner_text()
    assert name in sentence and sentence.endswith(".") and len(sentence) < 300
    assert panel.locator(".eo-badge").inner_text() == "Données de démonstration"
    drawn = panel.locator(".leaflet-overlay-pane canvas, .leaflet-image-layer")
    assert drawn.count() > 1  # the drawn ground, and the theme
    region = panel.locator(".leaflet-container")
    assert region.get_attribute("role") == "region"
    assert region.get_attribute("aria-label").startswith("Carte, ")
    assert len(region.get_attribute("aria-description")) > 20
    assert (panel.locator("svg[role=img] title").count() >= 1) is chart
    figures = panel.locator(".eo-figures").inner_text()
    assert "Source" in figures or "source" in figures
    assert re.search(r"\b20[12]\d\b", figures)
    tops = [
        panel.locator(part).locator("visible=true").first.bounding_box()["y"]
        for part in (".eo-headline", ".leaflet-container", "svg[role=img]", ".eo-figures-table")
        if chart or part != "svg[role=img]"
    ]
    assert tops == sorted(tops)
    assert panel.locator("details[open]").count() == 0
    panel.get_by_text("D'où viennent ces données").click()
    provenance = panel.locator(".eo-sources").inner_text()
    assert "Licence" in provenance and "territoire de démonstration" in provenance


def without_gauge(text: str) -> str:
    """The page without the name of the town's river gauge, which stands for its neighbours too."""
    return re.sub(rf"L'Ervelle à\s+{TOWN}", "", text)


def test_type_pick_see_every_theme_then_another(visit, demo_server):
    visitor = visit(demo_server)
    visitor.open()
    text = visitor.text()
    assert "Données de démonstration" in text and "aucune de ces communes n'existe" in text
    visitor.type("st aubin")  # an abbreviation, no hyphens
    first = visitor.options()[0]
    assert first.startswith(TOWN) and re.search(r"Territoire fictif, 24.000.hab\.$", first)
    visitor.page.keyboard.press("Enter")
    visitor.wait_answer(TOWN)
    assert visitor.panels().count() == len(THEMES) + 1
    for title in THEMES:
        theme_speaks_of(visitor.panel(title), TOWN)
    inland = visitor.panel(COAST).locator(".eo-headline").inner_text()
    assert TOWN in inland and "n'est pas au bord de la mer" in inland
    assert visitor.panel(THEMES[0]).locator(".leaflet-marker-pane img").count() == 1  # letters
    assert BREAKABLE.findall(visitor.text().replace("\n", " | ")) == []

    visitor.type("mesnil")
    visitor.options()
    visitor.page.keyboard.press("Enter")
    visitor.wait_answer(OTHER)
    for title in THEMES:
        # That commune stayed dry: of its flood there is the memory, no bars of depth.
        theme_speaks_of(visitor.panel(title), OTHER)
    assert TOWN not in without_gauge(visitor.page.locator(".eo-grid").inner_text())
    assert visitor.page.url.endswith("?commune=99002")
    assert visitor.asked == []  # a fictional place has no tiles: nobody else was asked anything


def test_a_second_pick_before_the_first_answer(visit, demo_server):
    visitor = visit(demo_server)
    visitor.open()
    visitor.page.get_by_role("button", name=TOWN).wait_for()
    pick_all = """names => {
      const buttons = [...document.querySelectorAll('.eo-examples button')];
      for (const name of names) buttons.find(b => b.textContent === name).click();
    }"""
    visitor.page.evaluate(pick_all, [TOWN, ISLAND, OTHER])  # in one breath
    visitor.wait_answer(OTHER)
    visitor.page.wait_for_timeout(1000)  # what belongs to the others would have come by now
    shown = visitor.page.locator(".eo-grid").inner_text()
    assert TOWN not in without_gauge(shown) and shown.count(OTHER) >= 3
    assert ISLAND.removeprefix("Le ") not in shown
    assert OTHER in visitor.page.locator(".eo-name").inner_text()
    assert visitor.field.input_value() == OTHER


def test_an_island_with_its_own_projection_on_a_phone(visit, demo_server):
    visitor = visit(demo_server, width=390, height=844, has_touch=True, is_mobile=True)
    visitor.open("?commune=97199")
    visitor.wait_answer(ISLAND)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert visitor.page.evaluate(wide) == 0
    visitor.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert visitor.page.evaluate(wide) == 0
    # a theme whose data do not reach the island says so and what would help, in its place
    for number in range(len(THEMES) + 1):
        panel = visitor.panels().nth(number)
        if panel.locator(".eo-calm").count():
            assert ISLAND in panel.locator(".eo-calm").inner_text()
            assert len(panel.locator(".eo-remedy").inner_text()) > 20
        else:
            said = panel.locator(".eo-headline").inner_text()
            assert ISLAND in said or "au Morne-Vermeil" in said
            assert not re.search(r"\b(à|de) Le ", said)


def test_before_and_after_are_compared_with_a_curtain(visit, demo_server):
    visitor = visit(demo_server)
    visitor.open("?commune=99001")
    visitor.wait_answer(TOWN)
    flood = visitor.panel("Inondation")
    assert flood.locator(".eo-curtain").count() == 0  # depth has no picture before it
    flood.locator(".eo-choice select").select_option(
        label="Radar pendant la crue (15 janvier 2024)"
    )
    for panel in (visitor.panel("Éclairage nocturne"), flood):
        handle = panel.get_by_role("slider", name="Rideau entre avant et après")
        handle.wait_for()
        top = panel.locator(".leaflet-overlay-pane .leaflet-image-layer").last
        line = panel.locator(".eo-curtain-line")
        visitor.page.wait_for_function(
            "e => e.style.clipPath.includes('50%')", arg=top.element_handle()
        )
        before, frame = line.bounding_box(), panel.locator(".leaflet-container").bounding_box()
        assert frame["x"] < before["x"] < frame["x"] + frame["width"]
        handle.focus()
        for key, clip, seen in (("Home", "0%", False), ("End", "100%", False)):
            visitor.page.keyboard.press(key)
            assert clip in top.evaluate("image => image.style.clipPath")
            assert line.is_visible() is seen
        visitor.page.keyboard.press("PageDown")
        assert line.bounding_box()["x"] > before["x"]
        # the line stays on its place on the ground when the map is zoomed
        visitor.page.keyboard.press("Home")
        visitor.page.keyboard.press("PageUp")
        panel.get_by_role("button", name="Agrandir").click()
        visitor.page.wait_for_timeout(600)
        picture = top.bounding_box()
        share = int(handle.input_value()) / 100
        x = line.bounding_box()["x"] + 1
        assert abs(x - (picture["x"] + share * picture["width"])) < 3


def test_an_unknown_name_is_answered_calmly(visit, demo_server):
    visitor = visit(demo_server)
    visitor.open()
    visitor.type("qwxzkj")
    visitor.page.get_by_text("Aucune commune ne ressemble à « qwxzkj »").wait_for()
    visitor.page.keyboard.press("Enter")  # nothing to pick: nothing happens
    assert visitor.panels().locator("visible=true").count() == 0
    visitor.open("?commune=99999")
    notice = visitor.page.locator(".eo-notice")
    notice.wait_for()
    assert "99999" in notice.inner_text()
    assert visitor.panels().locator("visible=true").count() == 0


def test_what_is_on_the_page_can_be_taken_away(visit, demo_server):
    visitor = visit(demo_server)
    visitor.open("?commune=99003")
    visitor.wait_answer("Courvelles-le-Bocage")
    sentence = visitor.panel("Éclairage nocturne").locator(".eo-headline").inner_text()
    with visitor.page.expect_download(timeout=60_000) as waiting:
        visitor.page.get_by_role("link", name="Chiffres (CSV)").click()
    assert waiting.value.suggested_filename == "courvelles_le_bocage_99003.csv"
    told = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    assert ";practice;" in told and "extinction_totale" in told
    links = visitor.page.locator(".eo-files a").evaluate_all("all => all.map(a => a.href)")
    assert [link.rsplit(".", 1)[1] for link in links] == ["pdf", "gpkg", "csv", "zip", "ipynb"]
    sheet = visitor.page.request.get(links[0], timeout=60_000)
    assert sheet.headers["content-type"] == "application/pdf" and sheet.body()[:4] == b"%PDF"
    refused = visitor.page.request.get(links[2].replace("99003", "99999"))
    assert refused.status == 404
    assert "99999" in refused.text() and "Traceback" not in refused.text()
    assert sentence.startswith("Depuis novembre 2022")
