"""Another commune beside the first, communes seen lately, and where a person is."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

TOWN, ISLAND = "Aigremont-sur-Vire", "Anse-Turquoise"


def beside(visitor):
    return visitor.page.get_by_role("combobox", name="Commune à mettre à côté")


def ready(visitor, words):
    visitor.page.wait_for_function(
        "start => (document.querySelectorAll('.eo-announce')[1]?.textContent ?? '')"
        ".replaceAll('\\u00a0', ' ').startsWith(start)",
        arg=words,
        timeout=60_000,
    )


def test_another_commune_is_set_beside_and_taken_away(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open()
    assert visitor.page.get_by_text("Comparer avec une autre commune").is_hidden()
    visitor.page.get_by_role("button", name=TOWN).click()
    visitor.wait_answer(TOWN)
    button = visitor.page.get_by_role("button", name="Comparer avec une autre commune")
    assert button.get_attribute("aria-expanded") == "false" and beside(visitor).is_hidden()
    button.click()
    beside(visitor).press_sequentially("anse", delay=30)
    visitor.page.get_by_role("option").first.wait_for()
    visitor.page.keyboard.press("Enter")
    ready(visitor, f"Comparaison prête : {ISLAND}")
    assert visitor.page.url.endswith("?commune=99001&avec=97199")
    light = visitor.panel("Éclairage nocturne").locator(".eo-beside")
    assert light.get_by_role("heading").inner_text() == f"À côté\u00a0: {ISLAND}"
    assert f"{ISLAND} : réponse de lighting" in light.inner_text()
    table = light.get_by_role("table").first
    heads = [cell.inner_text() for cell in table.get_by_role("columnheader").all()]
    assert heads[-2:] == [TOWN, ISLAND]
    first = table.get_by_role("row").nth(1).inner_text()
    assert " ".join(first.split()) == "Part 10 % entre 5 et 95 % 90 % entre 5 et 95 %"
    assert "ailleurs inconnue" not in light.inner_text()  # known of one of the two only
    assert light.get_by_text("Les autres chiffres (2)").count() == 1
    # a theme that has nothing over there says so, in the same place
    heat = visitor.panel("Climat local et chaleur").locator(".eo-beside").inner_text()
    assert f"Aucune donnée de lcz ne couvre {ISLAND}" in heat and "rien à comparer" in heat
    # the commune's own answer is still the page's
    assert TOWN in visitor.page.locator(".eo-name").inner_text()

    visitor.page.get_by_role("button", name="Ne plus comparer").click()
    ready(visitor, "Comparaison retirée")
    assert visitor.page.locator(".eo-beside").count() == 0
    assert visitor.page.url.endswith("?commune=99001")
    visitor.page.go_back()
    ready(visitor, f"Comparaison prête : {ISLAND}")


def test_a_link_carries_both_communes_to_the_page_of_a_theme(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open("?commune=99001&avec=97199&flood.rise=0.5")
    ready(visitor, f"Comparaison prête : {ISLAND}")
    flood = visitor.panel("Inondation")
    # what is supposed here is supposed there
    assert "Si l'eau montait de 0.50 m" in flood.locator(".eo-beside").inner_text()
    flood.get_by_role("link", name="Voir en grand").click()
    ready(visitor, f"Comparaison prête : {ISLAND}")
    assert "avec=97199" in visitor.page.url and visitor.page.locator(".eo-beside").count() == 1
    visitor.page.get_by_label("Choisissez votre commune").fill("aigremont-la")
    visitor.page.get_by_role("option").first.wait_for()
    visitor.page.keyboard.press("Enter")
    visitor.wait_answer("Aigremont-la-Fragile")
    ready(visitor, f"Comparaison prête : {ISLAND}")


def test_communes_seen_lately_are_offered_until_they_are_forgotten(visit, fake_server):
    visitor = visit(fake_server)
    visitor.open("?commune=99001")
    visitor.wait_answer(TOWN)
    lately = visitor.page.locator(".eo-recent").first
    assert lately.is_hidden()  # the one that is shown is no memory
    visitor.page.get_by_role("button", name=ISLAND).click()
    visitor.wait_answer(ISLAND)
    lately.get_by_role("button", name=TOWN).wait_for()
    visitor.open()  # another day
    lately.get_by_role("button", name=ISLAND).wait_for()
    lately.get_by_role("button", name=TOWN).click()
    visitor.wait_answer(TOWN)
    lately.get_by_role("button", name="Oublier ces communes").click()
    assert lately.is_hidden()
    assert visitor.page.evaluate("Object.keys(localStorage).length") == 0


@pytest.mark.parametrize(
    ("place", "found"),
    [((15.51, -60.49), ISLAND), ((48.85, 2.35), None)],
)
def test_the_commune_where_a_person_is(visit, fake_server, place, found):
    latitude, longitude = place
    where = {"latitude": latitude, "longitude": longitude}
    visitor = visit(fake_server, permissions=["geolocation"], geolocation=where)
    visitor.open()
    visitor.page.get_by_role("button", name="Utiliser ma position").click()
    if found is None:
        visitor.page.get_by_text("Aucune commune de ces données ne contient").wait_for()
        return
    visitor.wait_answer(found)
    assert visitor.page.url.endswith("?commune=97199")  # the commune, not the position
    assert visitor.page.locator(".eo-name").inner_text().startswith(found)


def test_a_position_that_is_refused_is_no_dead_end(visit, fake_server):
    visitor = visit(fake_server)  # no permission: the browser refuses
    visitor.open()
    visitor.page.get_by_role("button", name="Utiliser ma position").click()
    visitor.page.get_by_text("Votre position n'a pas été obtenue").wait_for()
    visitor.page.get_by_role("button", name=TOWN).click()
    visitor.wait_answer(TOWN)
