"""« Et si l'on plantait » on the page: figures, bounds, words, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eo_helpers import catalog
from eo_helpers.errors import InvalidInput
from eo_helpers.findings import THEMES
from eo_helpers.lcz.what_if import Change, what_if

TOWN = "99001"


@pytest.fixture(scope="module")
def town(demo_source):
    return catalog.communes(demo_source).get(TOWN)


@pytest.fixture(scope="module")
def ask(town, demo_source):
    return lambda **moved: THEMES["lcz"].analyse(town, demo_source, **moved)


def test_as_it_is_nothing_is_supposed_and_the_page_may_ask(ask):
    finding = ask()
    assert [c.name for c in finding.controls] == ["green", "where"] == list(THEMES["lcz"].controls)
    assert finding.controls[0].value == 0.0
    assert not any(i.group == "what_if" for i in finding.indicators)
    assert finding.layers[0].name == "lcz" and finding.layers[0].shown


def test_planting_is_said_first_and_marked_as_a_supposition(ask):
    before, after = ask(), ask(green=20.0)
    assert after.headline["fr"].startswith("Si 20\u202f% du sol des îlots sensibles")
    assert after.headline["en"].startswith("If 20% of the ground of the sensitive blocks")
    freed = after["what_if_freed_area"]
    assert 0 < freed.low < freed.value < freed.high <= after["what_if_sensitive_area"].value
    assert "supposition" in after.caveats[0]["fr"]
    shown = [layer.name for layer in after.layers if layer.shown]
    assert shown == ["what_if"]
    # nothing of what the map itself says has changed
    for indicator in before.indicators:
        assert after[indicator.name] == indicator
    assert after.charts[0].name == "what_if"
    bars = dict(zip(after.charts[0].data["label_en"], after.charts[0].data["value"], strict=True))
    assert bars["20% of the ground"] == pytest.approx(freed.value)


def test_the_rule_itself_gives_the_same_blocks(ask):
    layer = ask(green=20.0).layers
    classes = next(one for one in layer if one.name == "lcz").data
    drawn = next(one for one in layer if one.name == "what_if").data
    # every block that is freed was sensitive, and planted blocks are the sensitive built ones
    hot = classes[classes["sensitivity"].isin(["very_high", "high"])]
    assert drawn.geometry.area.sum() == pytest.approx(hot.geometry.area.sum(), rel=1e-6)
    assert set(drawn["what"]) <= {"freed", "moved", "same"}


@settings(max_examples=15, deadline=None)
@given(points=st.integers(0, 7))
def test_more_planting_never_frees_less(ask, points):
    less, more = (
        ask(green=5.0 * n)["what_if_freed_area"].value if n else 0.0 for n in (points, points + 1)
    )
    assert more >= less - 1e-9


def test_planting_takes_mineral_ground_and_nothing_else(demo_source, town):
    from eo_helpers.lcz.data import read
    from eo_helpers.lcz.rule import INDICATORS

    blocks = read(catalog.find("lcz-cerema", town, demo_source), town)
    result = what_if(blocks[list(INDICATORS)], Change("ver", 20.0))
    moved = result["ver"] - blocks["ver"]
    assert (blocks["ror"] - result["ror"]).to_numpy() == pytest.approx(moved.to_numpy())
    for kept in ("bur", "bsr", "war", "hre"):
        assert result[kept].to_numpy() == pytest.approx(blocks[kept].to_numpy(), nan_ok=True)


@pytest.mark.parametrize(
    "moved", [{"green": -5}, {"green": 50}, {"green": "much"}, {"green": True}, {"where": "moon"}]
)
def test_settings_that_mean_nothing_are_refused(ask, moved):
    with pytest.raises(InvalidInput):
        ask(**moved)


def test_a_map_without_indicators_has_no_slider(shared_data):
    folders = [shared_data / "lcz" / "redon", shared_data / "territory"]
    source = catalog.open_source("files", folders)
    redon = catalog.communes(source).find("35236")
    found = THEMES["lcz"].analyse(redon, source, dataset="lcz-wudapt")
    assert found.status == "complete" and found.controls == ()
    with pytest.raises(InvalidInput, match="indicateurs"):
        THEMES["lcz"].analyse(redon, source, dataset="lcz-wudapt", green=10.0)
