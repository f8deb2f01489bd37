"""The same page on real communes and real data, where they are present."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def real_server(shared_data, serving):
    with serving({}, "--data", str(shared_data)) as url:
        yield url


def test_redon_among_all_communes(visit, real_server):
    visitor = visit(real_server)
    visitor.open()
    visitor.type("redon")
    assert visitor.options()[0] == "Redon – Ille-et-Vilaine (35)"
    visitor.page.keyboard.press("Enter")
    visitor.wait_answer("Redon")
    zones = visitor.panel("Climat local et chaleur")
    assert "Redon" in zones.locator(".eo-headline").inner_text()
    assert zones.locator(".leaflet-overlay-pane canvas").count() == 1
    assert "Végétation basse" in zones.locator(".eo-legend").inner_text()
    assert zones.locator(".eo-badge").count() == 0  # these data are real
    for title in ("Éclairage nocturne", "Inondation"):
        panel = visitor.panel(title)
        assert "Redon" in panel.locator(".eo-calm").inner_text()
        assert len(panel.locator(".eo-remedy").inner_text()) > 20  # what would bring the data
    assert set(visitor.asked) == {"data.geopf.fr"}  # the basemap, and nobody else
    # the basemap is refused here: the map stays readable and says so
    assert "Il n'est pas joignable pour l'instant" in zones.inner_text()


def test_homonyms_are_told_apart(visit, real_server):
    visitor = visit(real_server)
    visitor.open()
    visitor.type("saint denis")
    options = visitor.options()
    assert {"Saint-Denis – Seine-Saint-Denis (93)", "Saint-Denis – La Réunion (974)"} <= set(
        options
    )
    assert len(options) == len(set(options))
    visitor.page.get_by_role("option", name="La Réunion").click()
    visitor.wait_answer("Saint-Denis")
    assert "La Réunion (974)" in visitor.page.locator(".eo-name").inner_text()
