"""One dashboard per theme, the list of them, and English: what a visitor notices."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
TOWN = "Aigremont-sur-Vire"


def test_a_theme_has_a_page_to_itself_with_a_wide_map(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open(board="inondation")
    assert visitor.page.get_by_role("heading", level=1).inner_text().startswith("Inondation")
    visitor.type("aig")
    visitor.options()
    visitor.page.keyboard.press("Enter")
    visitor.wait_answer(TOWN)
    assert visitor.panels().count() == 1
    panel = visitor.panel("Inondation")
    box = panel.locator(".leaflet-container").bounding_box()
    assert box["width"] > 1100 and box["height"] > 480
    parts = (".eo-headline", "input[type=range]", ".leaflet-container", "svg[role=img]", "table")
    tops = [panel.locator(part).first.bounding_box()["y"] for part in parts]
    assert tops == sorted(tops)
    slider = panel.get_by_label("Montée de l'eau")
    slider.focus()
    for _ in range(2):
        visitor.page.keyboard.press("ArrowRight")
    panel.get_by_text("Si l'eau montait de 0.50 m").wait_for()
    assert slider.get_attribute("aria-valuetext") == "0,50\u00a0m"
    assert visitor.page.url.endswith("inondation.ipynb?commune=99001&flood.rise=0.5")
    sheet = visitor.page.get_by_role("link", name="Imprimer la fiche").get_attribute("href")
    assert sheet.endswith("telecharger/99001.pdf?flood.rise=0.5&theme=flood")
    visitor.page.get_by_role("button", name="Anse-Turquoise").click()
    visitor.wait_answer("Anse-Turquoise")
    visitor.page.go_back()
    visitor.wait_answer(TOWN)
    panel.get_by_text("Si l'eau montait de 0.50 m").wait_for()


def test_from_the_list_to_a_theme_and_back_with_the_same_commune(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open("?commune=99001")
    visitor.wait_answer(TOWN)
    visitor.page.get_by_role("link", name="Tous les tableaux de bord").click()
    cards = visitor.page.locator("main li")
    assert cards.count() == 7
    for card in cards.all():
        card.scroll_into_view_if_needed()
        card.locator("img").evaluate("image => image.decode()")  # a picture that can be shown
        assert card.locator("p").inner_text().endswith(".")
    visitor.page.get_by_role("link", name="Inondation").click()
    visitor.wait_answer(TOWN)
    visitor.page.get_by_role("link", name="Tous les thèmes de la commune").click()
    visitor.wait_answer(TOWN)
    assert visitor.panels().count() == 3
    visitor.panel("Inondation").get_by_role("link", name="Voir en grand").click()
    visitor.wait_answer(TOWN)
    assert visitor.panels().count() == 1


def test_the_page_speaks_english_and_every_link_keeps_it(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open("?commune=99001&flood.rise=0.5", board="inondation")
    visitor.wait_answer(TOWN)
    visitor.page.get_by_role("link", name="English").click()
    visitor.wait_answer(TOWN, "Answer ready: ")
    asked = visitor.page.url.partition("inondation.ipynb?")[2].split("&")
    assert sorted(asked) == ["commune=99001", "flood.rise=0.5", "lang=en"]
    assert visitor.page.locator("html").get_attribute("lang") == "en"
    assert visitor.page.get_by_label("Choose your commune").count() == 1
    slider = visitor.page.get_by_role("slider")
    assert slider.get_attribute("aria-valuetext") == "0.50\u00a0m"
    region = visitor.page.get_by_role("region", name="Map, Flood")
    assert region.count() == 1
    visitor.type("zzzz")
    visitor.page.get_by_text("No commune looks like 'zzzz'").wait_for()
    visitor.page.get_by_role("link", name="All dashboards").click()
    visitor.page.get_by_role("heading", name="Dashboards").wait_for()
    visitor.page.get_by_role("link", name="Night lighting").click()
    visitor.wait_answer(TOWN, "Answer ready: ")
    for french in ("Choisissez", "Carte\u00a0:", "Revenir", "Données de démonstration", "Emporter"):
        assert french not in visitor.text()


@pytest.mark.parametrize("width", [390, 640])  # a phone; a screen of 1280 at a zoom of 200 %
def test_nothing_has_to_be_scrolled_sideways(visit, fake_server, width):
    visitor = visit(fake_server, width=width, height=844)
    visitor.open("?commune=99001", board="inondation")
    visitor.wait_answer(TOWN)
    assert visitor.page.evaluate(WIDE) == 0
    box = visitor.panel("Inondation").locator(".leaflet-container").bounding_box()
    assert box["height"] <= max(box["width"], 320) + 2
    visitor.page.goto(f"{fake_server}tableaux")
    assert visitor.page.evaluate(WIDE) == 0


def test_the_keyboard_reaches_everything_in_the_order_of_the_page(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open("?commune=99001", board="inondation")
    visitor.wait_answer(TOWN)
    named = """() => {
      const on = document.activeElement;
      return on.className.toString().includes('leaflet-container') ? 'map'
        : on.labels?.length ? on.labels[0].textContent : on.textContent.trim();
    }"""
    visitor.page.locator("body").focus()
    seen = []
    for _ in range(40):
        visitor.page.keyboard.press("Tab")
        seen.append(visitor.page.evaluate(named))
        if seen[-1].startswith("D'où viennent"):
            break
    wanted = ["Aller au contenu", "Tous les tableaux de bord", "English",
              "Choisissez votre commune", "Imprimer la fiche (PDF)", "Montée de l'eau",
              "Carte\u00a0:", "map", "D'où viennent ces données"]  # fmt: skip
    met = [name for name in seen if name in wanted]
    assert met == [name for name in wanted if name in seen], seen
    missing = [n for n in wanted[1:] if n not in seen]
    assert missing == [], seen
