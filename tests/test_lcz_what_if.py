"""« Et si »: rates keep their sum, blocks give what they have, classes follow the rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eo_helpers.errors import InvalidInput
from eo_helpers.lcz import rule
from eo_helpers.lcz.what_if import LIMITS, Change, summary, sweep, what_if


def random_blocks(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rates = rng.dirichlet(np.ones(5), n) * 100
    return pd.DataFrame(
        {
            "hre": rng.uniform(0, 40, n),
            "are": rng.uniform(0, 1500, n),
            **dict(zip(rule.RATES, rates.T, strict=True)),
            "vhr": rng.uniform(0, 100, n),
        }
    )


CENTRE = {"hre": 12.0, "are": 300.0, "bur": 45.0, "ror": 30.0, "bsr": 0.0, "war": 0.0,
          "ver": 25.0, "vhr": 20.0}  # fmt: skip


def test_planting_ten_points_opens_a_compact_block():
    out = what_if(pd.DataFrame([CENTRE]), Change("ver", 10, "ror")).iloc[0]
    assert (out.ver, out.ror) == (35, 20)
    assert (out.lcz_before, out.lcz_after) == ("2", "5")
    assert (out.sensitivity_before, out.sensitivity_after) == ("very_high", "medium")
    assert out.class_changed and out.category_changed and out.whole


def test_planting_that_stays_on_this_side_of_the_threshold_changes_nothing():
    out = what_if(pd.DataFrame([CENTRE]), Change("ver", 4.9)).iloc[0]
    assert out.lcz_after == "2" and not out.class_changed


def test_a_block_gives_what_it_has_and_says_so():
    poor = {**CENTRE, "ror": 3.0, "ver": 52.0}
    out = what_if(pd.DataFrame([poor]), Change("ver", 10, "ror")).iloc[0]
    assert out.moved == 3 and not out.whole
    assert (out.ror, out.ver) == (0, 55)


def test_height_only_changes_built_blocks():
    bare = {**CENTRE, "bur": 0.0, "ver": 70.0, "hre": 0.0}
    out = what_if(pd.DataFrame([CENTRE, bare]), Change(hre=20))
    assert out.hre.tolist() == [32, 0]
    assert out.lcz_after.tolist() == ["1", "C"]
    assert what_if(pd.DataFrame([CENTRE]), Change(hre=-50)).hre[0] == 0


def test_trees_move_natural_classes_and_stop_at_a_hundred():
    wood = {**CENTRE, "bur": 0.0, "ror": 0.0, "ver": 100.0, "vhr": 45.0}
    out = what_if(pd.DataFrame([wood]), Change(vhr=10)).iloc[0]
    assert (out.lcz_before, out.lcz_after) == ("B", "A")
    assert what_if(pd.DataFrame([wood]), Change(vhr=90)).vhr[0] == 100


def test_only_the_chosen_blocks_change():
    table = pd.DataFrame([CENTRE, CENTRE], index=["a", "b"])
    out = what_if(table, Change("ver", 10), where=[False, True])
    assert out.index.tolist() == ["a", "b"]
    assert out.lcz_after.tolist() == ["2", "5"] and out.moved.tolist() == [0, 10]
    assert out.whole.all()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 5000),
    st.sampled_from(rule.RATES),
    st.sampled_from(rule.RATES),
    st.floats(-100, 100, allow_nan=False),
)
def test_rates_keep_their_sum_and_stay_within_bounds(seed, cover, exchange, points):
    if cover == exchange or points == 0:
        return
    blocks = random_blocks(50, seed)
    out = what_if(blocks, Change(cover, points, exchange))
    rates = out[list(rule.RATES)]
    assert np.allclose(rates.sum(axis=1), 100)
    assert rates.to_numpy().min() >= -1e-9
    # The classes are the rule's own, on the indicators that are returned.
    assert (rule.classify(out).lcz.fillna("") == out.lcz_after.fillna("")).all()
    # And the way back leads back.
    whole = out.whole.to_numpy()
    if whole.any():
        back = what_if(out[whole], Change(cover, -points, exchange))
        assert np.allclose(back[list(rule.RATES)], blocks.loc[whole, list(rule.RATES)])


def test_summary_and_sweep_tell_areas():
    table = pd.DataFrame([CENTRE, {**CENTRE, "ror": 55.0, "ver": 0.0}])
    out = summary(what_if(table, Change("ver", 10)), area=[30_000, 10_000])
    assert out["class_changed"] == 1
    assert out["transitions"] == [{"before": "2", "after": "5", "blocks": 1, "area_ha": 3.0}]
    assert out["area_percent"]["very_high"] == pytest.approx([100, 25])
    assert len(out["limits"]) == len(LIMITS)
    steps = sweep(table, [30_000, 10_000], (0, 10, 30))
    assert steps["very_high"].tolist() == pytest.approx([100, 25, 0])
    assert steps["class_changed"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cover": "pelouse", "points": 5}, "couverture du sol"),
        ({"cover": "ver", "points": 5, "exchange": "ver"}, "prendre la place"),
        ({"points": float("nan")}, "fini"),
        ({"points": 120}, "100 points"),
        ({}, "Rien ne change"),
    ],
)
def test_bad_changes_are_one_sentence(options, words):
    with pytest.raises(InvalidInput, match=words):
        Change(**options)
