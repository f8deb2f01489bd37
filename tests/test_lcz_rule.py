"""Cerema's rule, and the exact search for the nearest threshold."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eo_helpers.errors import InvalidInput
from eo_helpers.lcz import rule, schema
from eo_helpers.lcz.formats import read_cerema
from eo_helpers.lcz.rule import classify
from eo_helpers.lcz.thresholds import Scales, possible_classes, threshold_distance


def block(**values: float) -> dict[str, float]:
    row = {
        "hre": 0.0,
        "are": 0.0,
        "bur": 0.0,
        "ror": 0.0,
        "bsr": 0.0,
        "war": 0.0,
        "ver": 0.0,
        "vhr": 0.0,
    }
    return row | values


def one(**values: float) -> str | None:
    return classify(pd.DataFrame([block(**values)])).lcz.iloc[0]


# The two real rows that Cerema's published classes are known for, with rates that respect
# what is said of them (second row: bur + ror = 23).
def test_real_rows():
    assert one(hre=10.9, are=6534, bur=35, ror=45, ver=20) == "8"
    assert one(hre=10.1, are=3141, bur=13, ror=10, ver=77, vhr=30) == "5"


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        ("1", {"hre": 35, "are": 500, "bur": 45, "ror": 40, "ver": 15}),
        ("2", {"hre": 15, "are": 500, "bur": 45, "ror": 40, "ver": 15}),
        ("3", {"hre": 9, "are": 100, "bur": 45, "ror": 40, "ver": 15}),
        ("4", {"hre": 35, "are": 900, "bur": 25, "ror": 40, "ver": 35}),
        ("5", {"hre": 15, "are": 300, "bur": 25, "ror": 30, "ver": 45}),
        ("6", {"hre": 6, "are": 120, "bur": 25, "ror": 30, "ver": 45}),
        ("7", {"hre": 4, "are": 50, "bur": 65, "bsr": 30, "ror": 5}),
        ("8", {"hre": 21, "are": 701, "bur": 30, "ror": 11, "ver": 59}),
        ("9", {"hre": 9, "are": 120, "bur": 20, "ror": 20, "ver": 60}),
        ("A", {"ver": 90, "ror": 10, "vhr": 51}),
        ("B", {"ver": 90, "ror": 10, "vhr": 50}),
        ("C", {"ver": 90, "ror": 10, "vhr": 25}),
        ("D", {"ver": 90, "ror": 10, "vhr": 10}),
        ("E", {"ror": 60, "ver": 40}),
        ("F", {"bsr": 60, "ver": 40}),
        ("G", {"war": 60, "ver": 40}),
    ],
)
def test_every_class_at_its_thresholds(expected, values):
    assert one(**values) == expected


@pytest.mark.parametrize(
    ("expected", "values"),
    [
        # Open side of each threshold: « > » is never « ≥ ».
        ("D", {"hre": 15, "are": 900, "bur": 10, "ver": 80, "ror": 10}),
        ("5", {"hre": 15, "are": 700, "bur": 30, "ror": 11, "ver": 59}),
        ("5", {"hre": 21.1, "are": 701, "bur": 30, "ror": 11, "ver": 59}),
        ("5", {"hre": 15, "are": 701, "bur": 30, "ror": 10, "ver": 60}),
        ("5", {"hre": 15, "are": 100, "bur": 40, "ror": 50, "ver": 10}),
        ("5", {"hre": 15, "are": 100, "bur": 50, "ror": 20, "ver": 30}),
        ("2", {"hre": 30, "are": 100, "bur": 65, "bsr": 17.5, "ror": 17.5}),
        # Rounding noise: 25.1 + 14.9 is 40, not a hair more.
        ("6", {"hre": 5, "are": 900, "bur": 25.1, "ror": 14.9, "ver": 60}),
        # Ties go to vegetation, then mineral, then bare soil.
        ("D", {"ver": 50, "ror": 50}),
        ("E", {"ror": 50, "bsr": 50}),
        ("F", {"bsr": 50, "war": 50}),
        # Large buildings come before sparse ones.
        ("8", {"hre": 8, "are": 900, "bur": 15, "ror": 40, "ver": 45}),
    ],
)
def test_order_and_open_sides(expected, values):
    assert one(**values) == expected


def test_unclassed_has_a_reason():
    out = classify(
        pd.DataFrame(
            [
                block(ver=30, ror=10),
                block(bur=30, hre=np.nan, ver=70),
                block(bur=30, hre=8, are=np.nan, ror=50, ver=20),
                block(bur=30, hre=8, are=np.nan, ver=70),
                block(ver=100, hre=np.nan, are=np.nan, vhr=60),
                block(ror=100, hre=np.nan, are=np.nan, vhr=np.nan),
                block(ver=100, vhr=np.nan),
                block(ver=np.nan, ror=100),
            ]
        )
    )
    assert out.unclassed.astype(object).where(out.unclassed.notna(), None).tolist() == [
        "low_cover",
        "missing_indicator",
        "missing_indicator",
        None,
        None,
        None,
        "missing_indicator",
        "missing_indicator",
    ]
    assert out.lcz.fillna("").tolist() == ["", "", "", "6", "A", "E", "", ""]
    assert set(out.unclassed.dropna()) == set(rule.UNCLASSED)


def test_missing_column_is_named_and_case_is_forgiven():
    table = pd.DataFrame([block(ver=100, vhr=5)]).rename(columns=str.upper)
    assert classify(table).lcz.tolist() == ["D"]
    with pytest.raises(InvalidInput, match="vhr"):
        classify(table.drop(columns="VHR"))
    with pytest.raises(InvalidInput, match="hre"):
        classify(table.assign(HRE="haut"))


def random_blocks(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(rng.choice([0.3, 1.0, 3.0], 5), n) * 100
    return pd.DataFrame(
        {
            "hre": rng.uniform(0, 40, n),
            "are": rng.uniform(0, 1500, n),
            **dict(zip(rule.RATES, shares.T, strict=True)),
            "vhr": rng.uniform(0, 100, n),
        }
    )


#: Every way to share 100 points among five covers by steps of 2.5 points.
def simplex_grid(step: float = 2.5) -> np.ndarray:
    k = round(100 / step)
    parts = [
        (a, b, c, d, k - a - b - c - d)
        for a in range(k + 1)
        for b in range(k + 1 - a)
        for c in range(k + 1 - a - b)
        for d in range(k + 1 - a - b - c)
    ]
    return np.array(parts, dtype=float) * step


GRID = simplex_grid()
#: A grid point lies within this of any mix of covers (moved share of the surface, points).
GRID_REACH = 2.5 * 2.5


def test_ground_cover_distance_is_the_smallest_of_an_exhaustive_search():
    """No mix of covers nearer than the distance has another class; one near it has."""
    rng = np.random.default_rng(3)
    blocks = pd.concat([random_blocks(20, seed) for seed in range(6)], ignore_index=True)
    only_cover = Scales(cover=1.0, hre=1e-9, are=1e-9, vhr=1e-9)
    found = threshold_distance(blocks, only_cover)
    # Random small moves around each block, and the whole simplex.
    for i, row in blocks.iterrows():
        point = row[list(rule.RATES)].to_numpy(dtype=float)
        moves = rng.dirichlet(np.full(5, 0.4), 4000) - rng.dirichlet(np.full(5, 0.4), 4000)
        near = point + moves * rng.uniform(0, 2 * found.threshold_distance[i], (4000, 1))
        near = near[(near >= 0).all(axis=1)]
        targets = np.vstack([GRID, near])
        table = pd.DataFrame(targets, columns=list(rule.RATES)).assign(
            hre=row.hre, are=row["are"], vhr=row.vhr
        )
        others = classify(table).lcz.to_numpy()
        moved = np.abs(targets - point).sum(axis=1) / 2
        smallest = moved[others != found.lcz[i]].min()
        d = found.threshold_distance[i]
        assert d <= smallest + 1e-6, (i, row.to_dict(), d, smallest)
        assert smallest <= d + GRID_REACH, (i, row.to_dict(), d, smallest)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_any_single_change_smaller_than_the_distance_keeps_the_class(seed):
    blocks = random_blocks(40, seed)
    scales = Scales()
    found = threshold_distance(blocks, scales)
    rng = np.random.default_rng(seed)
    for group in ("hre", "are", "vhr", "cover"):
        shift = rng.uniform(-0.999, 0.999, len(blocks)) * found.threshold_distance
        changed = blocks.copy()
        if group == "cover":
            amount = np.abs(shift * scales.cover)
            a, b = rng.choice(5, 2, replace=False)
            source, sink = rule.RATES[a], rule.RATES[b]
            amount = np.minimum(amount, changed[source])
            changed[source] -= amount
            changed[sink] += amount
        else:
            changed[group] = (changed[group] + shift * getattr(scales, group)).clip(lower=0)
        assert (classify(changed).lcz == found.lcz).all(), group


def test_crossing_the_threshold_gives_the_alternative():
    blocks = pd.DataFrame(
        [
            block(hre=9.5, are=200, bur=30, ror=20, ver=50, vhr=20),
            block(hre=12, are=690, bur=30, ror=30, ver=40, vhr=20),
            block(ver=95, ror=5, vhr=48),
            block(ver=51, war=49, vhr=5),
            block(hre=6, are=100, bur=38, ror=45, ver=17),
        ]
    )
    out = threshold_distance(blocks)
    assert out.lcz.tolist() == ["5", "5", "B", "D", "6"]
    assert out.lcz_alternative.tolist() == ["6", "8", "A", "G", "3"]
    assert out.threshold.tolist() == [
        "hre=9",
        "are=700",
        "vhr=50",
        "largest cover",
        "bur=40 & bur+ror=70",
    ]
    assert out.threshold_change.tolist() == pytest.approx([-0.5, 10, 2, 1, 2])
    assert out.threshold_distance.tolist() == pytest.approx([0.25, 0.1, 0.2, 0.2, 0.4])


def test_block_on_a_threshold_is_at_distance_zero_and_unclassed_has_none():
    out = threshold_distance(
        pd.DataFrame([block(hre=9, are=100, bur=30, ror=20, ver=50), block(ver=10)])
    )
    assert out.threshold_distance.iloc[0] == 0
    assert out.lcz_alternative.iloc[0] == "5"
    assert np.isnan(out.threshold_distance.iloc[1])
    assert pd.isna(out.lcz_alternative.iloc[1])


def test_possible_classes_hold_the_class_and_the_near_alternative():
    blocks = random_blocks(2000, 5)
    found = threshold_distance(blocks)
    possible = possible_classes(blocks)
    own = schema.index_from_codes(found.lcz)
    other = schema.index_from_codes(found.lcz_alternative)
    rows = np.arange(len(blocks))
    assert possible[rows, own].all()
    near = found.threshold_distance.to_numpy() < 1
    assert possible[rows[near], other[near]].all()
    assert (possible[~near].sum(axis=1) == 1).all()


def test_scales_must_be_positive():
    with pytest.raises(InvalidInput):
        Scales(cover=0)


@pytest.mark.parametrize("layer", ["ervelle", "vermeil"])
def test_every_block_of_the_demonstration_has_the_class_of_its_truth(demo_dir, layer):
    """The truth was drawn by a copy of the rule that shares nothing with this one."""
    truth = gpd.read_file(demo_dir / "truth" / "lcz_blocks.gpkg", layer=layer)
    ruled = classify(truth)["lcz"].astype(object)
    expected = truth["lcz"].where(truth["lcz"] != "", None)
    assert len(truth) > 300
    assert [a if isinstance(a, str) else None for a in ruled] == [
        a if isinstance(a, str) else None for a in expected
    ]


def test_every_block_of_the_demonstration_archive_has_its_published_class(demo_dir):
    path = next((demo_dir / "lcz").glob("*.zip"))
    blocks = read_cerema(path)
    assert len(blocks) == 1990
    assert (classify(blocks)["lcz"] == blocks["lcz"]).all()


@pytest.mark.parametrize(
    ("given_codes", "scheme", "expected"),
    [
        ([1, 10, 101, 107], "geoclimate", ["1", "10", "A", "G"]),
        ([1, 10, 11, 17, 0], "wudapt", ["1", "10", "A", "G", None]),
        (["1", "a", "LCZ 6", "", None, "9"], "cerema", ["1", "A", "6", None, None, "9"]),
        ([1.0, 104.0, np.nan], "any", ["1", "D", None]),
    ],
)
def test_codes_of_every_provider(given_codes, scheme, expected):
    assert list(schema.normalise_codes(given_codes, scheme)) == expected


@pytest.mark.parametrize(
    ("bad", "scheme"), [(42, "any"), ("H", "cerema"), (104, "wudapt"), (10, "cerema"), (2.5, "any")]
)
def test_unknown_code_is_one_sentence(bad, scheme):
    with pytest.raises(InvalidInput, match="inconnu") as caught:
        schema.normalise_codes([1, bad, bad], scheme, where="carte.shp")
    assert "carte.shp" in caught.value.fr and "2 fois" in caught.value.fr


def test_sensitivity_look_up_keeps_variable_off_the_scale():
    by_class = dict(zip(schema.CODES, schema.sensitivity_of(schema.CODES), strict=True))
    assert [by_class[c] for c in "12345"] == ["very_high", "very_high", "high", "medium", "medium"]
    assert {c for c in schema.CODES if by_class[c] == "variable"} == {"7", "8", "10", "E"}
    ranks = {name: s.rank for name, s in schema.SENSITIVITIES.items()}
    assert ranks["variable"] is None and sorted(r for r in ranks.values() if r is not None) == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_legends_carry_the_code_as_mark():
    legend = schema.lcz_legend(["2", "A"])
    assert [(c.value, c.mark, c.color) for c in legend.categories] == [
        ("2", "2", "#D10000"),
        ("A", "A", "#006A00"),
    ]
