"""axe-core on every dashboard, everything unfolded: no violation of any rule it knows."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from eo_helpers.app.boards import BOARDS

pytestmark = pytest.mark.browser

TOWN = "Saint-Aubin-sur-Ervelle"
COAST = "Portervelle-sur-Mer"


def violations(page) -> list[str]:
    """Each with the first element that it is about."""
    told = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['help']} {one['nodes'][0]['html'][:200]}" for one in told]


@pytest.mark.parametrize("board", [board.name for board in BOARDS])
def test_no_violation_on_a_dashboard(visit, demo_server, board):
    visitor = visit(demo_server)
    coast = board == "trait_de_cote"
    visitor.open(f"?commune={'99004' if coast else '99001'}", board=board)
    visitor.wait_answer(COAST if coast else TOWN)
    visitor.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert violations(visitor.page) == []


def test_no_violation_where_two_communes_are_compared_on_a_phone(visit, demo_server):
    visitor = visit(demo_server, width=390, height=844, has_touch=True, is_mobile=True)
    visitor.open("?commune=99001&avec=99002&lang=en", board="eclairage")
    visitor.page.locator(".eo-beside table").first.wait_for(timeout=240_000)
    assert violations(visitor.page) == []


def test_no_violation_before_anything_is_chosen_and_on_the_list(visit, demo_server):
    visitor = visit(demo_server)
    visitor.open()
    visitor.page.get_by_role("button", name=TOWN).wait_for()
    assert violations(visitor.page) == []
    visitor.type("mes")
    visitor.options()
    assert violations(visitor.page) == []
    visitor.page.goto(f"{demo_server}tableaux")
    assert violations(visitor.page) == []
