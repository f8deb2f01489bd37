"""The page itself, in a real Chromium, in front of hand-made answers."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request

import pytest
from served import kernel_of

pytestmark = pytest.mark.browser


def test_a_person_types_picks_and_sees_every_theme(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open()
    assert "Données de démonstration" in visitor.text()
    visitor.type("aig")
    assert visitor.options() == [
        "Aigremont-sur-Vire – 99, 14 000 hab.",
        "Aigremont-les-Bois – 99, 2 310 hab.",
        "Aigremont-la-Fragile – 99, 512 hab.",
    ]
    visitor.page.keyboard.press("Enter")
    visitor.wait_answer("Aigremont-sur-Vire")
    assert visitor.panels().count() == 3
    for number in range(3):
        panel = visitor.panels().nth(number)
        assert "Aigremont-sur-Vire : réponse de" in panel.locator(".eo-headline").inner_text()
        assert panel.locator(".eo-badge").inner_text() == "Données de démonstration"
        # sentence, map, chart, figures: in this order, the detail folded away
        tops = [
            panel.locator(part).first.bounding_box()["y"]
            for part in (".eo-headline", ".leaflet-container", "svg[role=img]", "table")
        ]
        assert tops == sorted(tops)
        assert panel.locator("details").count() == 2
        assert panel.locator("details[open]").count() == 0
        assert panel.locator("canvas, .leaflet-overlay-pane path").count() > 0


def test_keyboard_and_mouse(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open()
    visitor.type("aig")
    visitor.options()
    field = visitor.field
    active = lambda: visitor.page.locator("[role=option][aria-selected=true]").inner_text()  # noqa: E731
    assert field.get_attribute("aria-expanded") == "true"
    assert active().startswith("Aigremont-sur-Vire")
    visitor.page.keyboard.press("ArrowDown")
    assert active().startswith("Aigremont-les-Bois")
    visitor.page.keyboard.press("Home")
    assert active().startswith("Aigremont-sur-Vire")
    visitor.page.keyboard.press("End")
    assert active().startswith("Aigremont-la-Fragile")
    assert field.get_attribute("aria-activedescendant") == visitor.page.locator(
        "[role=option][aria-selected=true]"
    ).get_attribute("id")
    visitor.page.keyboard.press("Escape")
    assert field.get_attribute("aria-expanded") == "false"
    visitor.type("anse")
    visitor.page.get_by_role("option").first.click()
    visitor.wait_answer("Anse-Turquoise")
    assert field.input_value() == "Anse-Turquoise"
    assert visitor.page.url.endswith("?commune=97199")
    assert visitor.page.title().startswith("Anse-Turquoise")


def test_a_late_answer_never_leaks_into_the_next_commune(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open()
    visitor.page.get_by_role("button", name="Aigremont-les-Bois").click()  # its answers are slow
    visitor.page.get_by_text("Calcul en cours").first.wait_for()
    visitor.page.get_by_role("button", name="Aigremont-sur-Vire").click()
    visitor.wait_answer("Aigremont-sur-Vire")
    visitor.page.wait_for_timeout(3500)  # the slow answers would have come by now
    page = visitor.page.locator(".eo-grid").inner_text()
    assert "Aigremont-les-Bois" not in page
    assert page.count("Aigremont-sur-Vire : réponse de") == 3


def test_a_theme_without_data_says_so_in_the_same_place(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open("?commune=97199")
    visitor.wait_answer("Anse-Turquoise")
    first = visitor.panels().nth(0)
    assert "Aucune donnée de lcz ne couvre Anse-Turquoise" in first.inner_text()
    assert "Attendre la prochaine édition" in first.inner_text()
    assert first.locator(".leaflet-container").count() == 1
    assert visitor.panels().nth(1).locator(".eo-headline").count() == 1


def test_a_name_that_nobody_bears(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open()
    visitor.type("zzzz")
    visitor.page.get_by_text("Aucune commune ne ressemble à « zzzz »").wait_for()
    visitor.open("?commune=00000")
    visitor.page.locator(".eo-notice", has_text="Communes proches : Aigremont").wait_for()
    visitor.page.get_by_role("button", name="Aigremont-sur-Vire").click()
    visitor.wait_answer("Aigremont-sur-Vire")


def test_another_map_can_be_chosen(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open("?commune=99001")
    visitor.wait_answer()
    panel = visitor.panels().nth(1)
    assert panel.locator(".eo-caption").inner_text() == "Carte de lighting"
    panel.get_by_label("Carte :").select_option("Autre carte")
    panel.locator(".eo-caption", has_text="Autre carte").wait_for()


def test_a_slider_asks_again_and_the_address_carries_it(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open("?commune=99001")
    visitor.wait_answer("Aigremont-sur-Vire")
    flood = visitor.panel("Inondation")
    flood.locator("select").select_option(label="Autre carte")
    slider = flood.get_by_role("slider")
    assert flood.get_by_role("button", name="Revenir").locator("visible=true").count() == 0
    slider.focus()
    for _ in range(2):
        visitor.page.keyboard.press("ArrowRight")
    flood.get_by_text("Si l'eau montait de 0.50 m").wait_for()
    assert visitor.page.url.endswith("?commune=99001&flood.rise=0.5")
    assert flood.locator(".eo-caption").inner_text() == "Autre carte"  # the map that was chosen
    assert "Si l'eau" not in visitor.panel("Éclairage nocturne").inner_text()

    sent = visit(fake_server)  # somebody to whom the link was sent
    sent.open("?commune=99001&flood.rise=0.5")
    sent.wait_answer("Aigremont-sur-Vire")
    there = sent.panel("Inondation")
    there.get_by_text("Si l'eau montait de 0.50 m").wait_for()
    there.get_by_role("button", name="Revenir aux réglages de départ").click()
    there.get_by_text("Si l'eau montait").wait_for(state="detached")
    assert sent.page.url.endswith("?commune=99001")
    # a setting that cannot be answered: a sentence in that theme, and the others stay
    sent.open("?commune=99001&flood.rise=1.5")
    sent.wait_answer("Aigremont-sur-Vire")
    sent.panel("Inondation").get_by_text("À cette hauteur, le terrain manque.").wait_for()
    assert "réponse de lcz" in sent.panel("Climat local et chaleur").inner_text()


def test_on_a_phone_nothing_has_to_be_scrolled_sideways(visit, fake_server):
    visitor = visit(fake_server, width=390, height=844, has_touch=True, is_mobile=True)
    visitor.open("?commune=99001")
    visitor.wait_answer()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert visitor.page.evaluate(wide) == 0
    boxes = [visitor.panels().nth(n).bounding_box() for n in range(3)]
    assert all(box["width"] > 340 for box in boxes)
    assert boxes[0]["y"] < boxes[1]["y"] < boxes[2]["y"]


def test_back_button_returns_to_the_former_commune(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open()
    for name in ("Anse-Turquoise", "Aigremont-sur-Vire"):
        visitor.page.get_by_role("button", name=name).click()
        visitor.wait_answer(name)
    visitor.page.go_back()
    visitor.wait_answer("Anse-Turquoise")


def test_two_visitors_do_not_see_each_other(visit, fake_server):
    one, other = visit(fake_server), visit(fake_server)
    one.open("?commune=99001")
    other.open("?commune=97199")
    one.wait_answer("Aigremont-sur-Vire")
    other.wait_answer("Anse-Turquoise")
    assert "Anse-Turquoise" not in one.page.locator(".eo-grid").inner_text()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_only_the_dashboards_are_served(fake_server):
    status, page = get(fake_server + "voila/render/absent.ipynb")
    assert status in (404, 500) and "Traceback" not in page and "n'existe pas" in page
    assert get(fake_server + "voila/files/ma_commune.ipynb")[0] == 403
    assert get(fake_server + "voila/api/contents")[0] == 404
    status, tree = get(fake_server + "voila/tree")
    assert status == 200 and "Tableaux de bord" in tree
    status, page = get(fake_server + "voila/render/ma_commune.ipynb?template=lab")
    assert 'lang="fr"' in page and "cdn" not in page


def test_a_page_that_is_closed_gives_its_session_back(visit, fake_server):
    def settled(kernels: int) -> None:
        for _ in range(100):
            if fake_server.sessions() == kernels:
                return
            time.sleep(0.2)
        raise AssertionError(f"{fake_server.sessions()} sessions, expected {kernels}")

    time.sleep(2)  # let the reserve of ready sessions fill up again
    before = fake_server.sessions()
    visitor = visit(fake_server)
    visitor.context.unroute_all()  # a request sent on leaving cannot pass through a route
    visitor.open()
    settled(before + 1)
    visitor.page.goto("about:blank")
    settled(before)


def test_the_page_outlives_a_crash_of_the_analysis(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open("?commune=99003")  # its flood analysis kills its process
    visitor.wait_answer("Aigremont-la-Fragile")
    broken = visitor.panels().nth(2)
    assert broken.get_by_role("button", name="Réessayer").count() == 1
    assert "L'analyse s'est arrêtée brusquement" in broken.inner_text()
    assert visitor.panels().nth(0).locator(".eo-headline").count() == 1
    assert "Le fichier est abîmé." in visitor.panels().nth(1).inner_text()
    visitor.page.get_by_role("button", name="Aigremont-sur-Vire").click()
    visitor.wait_answer("Aigremont-sur-Vire")
    assert visitor.panels().nth(2).locator(".eo-headline").count() == 1


def test_a_page_that_lost_its_session_says_so(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open("?commune=99001")
    visitor.wait_answer("Aigremont-sur-Vire")
    kernel = re.search(r'"kernelId": ?"([^"]+)"', visitor.page.content()).group(1)
    kernel_of(fake_server.pid, kernel).kill()
    visitor.page.get_by_text("La page a perdu le contact").wait_for(timeout=60_000)
    # The address has the commune: loading it again shows the same answers.
    visitor.page.get_by_role("link", name="Rechargez-la").locator("visible=true").click()
    visitor.wait_answer("Aigremont-sur-Vire")
    # What the browser itself says of a lost connection is no fault of the page.
    gone = ("404", "WebSocket", "kernel", "Kernel", "ERR_", "connection")
    visitor.troubles[:] = [t for t in visitor.troubles if not any(word in t for word in gone)]
