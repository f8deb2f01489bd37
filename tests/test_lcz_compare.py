"""Two maps of one place: how far they agree, and how sure that figure is."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely

from eo_helpers.errors import InvalidInput
from eo_helpers.lcz import compare as method
from eo_helpers.lcz.data import open_map


def squares(codes: list[list[str | None]], step: float = 100.0) -> gpd.GeoDataFrame:
    """A grid of squares with one class each, first row in the south, EPSG:2154."""
    rows = [
        (code, shapely.box(x * step, y * step, (x + 1) * step, (y + 1) * step))
        for y, line in enumerate(codes)
        for x, code in enumerate(line)
    ]
    return gpd.GeoDataFrame(
        {"lcz": [r[0] for r in rows]}, geometry=[r[1] for r in rows], crs="EPSG:2154"
    )


def test_matrix_agreement_and_kappa_by_hand():
    a = squares([["2", "2", "A", "D"]])
    b = squares([["2", "5", "A", "A"]])
    found = method.compare(a, b)
    assert found.area_ha == pytest.approx(4)
    assert found.agreement == pytest.approx(0.5)
    # Expected by chance: A rows 1/4 × columns 2/4, "2" rows 2/4 × columns 1/4.
    assert found.kappa == pytest.approx((0.5 - 0.25) / 0.75)
    assert found.matrix.loc["2", "5"] == pytest.approx(1)
    assert found.by_class().loc["2", "iou"] == pytest.approx(0.5)


def test_unclassed_ground_and_ground_of_one_map_only_do_not_count():
    a = squares([["2", None, "A"]])
    b = squares([["2", "2"]])
    assert method.compare(a, b).area_ha == pytest.approx(1)


def test_maps_apart_are_one_sentence():
    far = squares([["2"]]).set_geometry(squares([["2"]]).translate(10_000))
    with pytest.raises(InvalidInput, match="en commun"):
        method.compare(squares([["2"]]), far)


def test_disagreement_is_ranked_by_area():
    a = squares([["2", "2", "A", "D"]])
    b = squares([["5", "5", "A", "A"]])
    table = method.disagreement(method.overlay(a, b))
    assert table[["lcz_a", "lcz_b"]].to_numpy().tolist() == [["2", "5"], ["D", "A"]]
    assert table["share"].tolist() == pytest.approx([0.5, 0.25])


def test_interval_is_wider_when_mistakes_go_together():
    rng = np.random.default_rng(0)
    n = 40
    truth = [["2"] * n for _ in range(n)]
    scattered = [["2" if rng.random() > 0.25 else "5" for _ in range(n)] for _ in range(n)]
    together = [["2" if x < 0.75 * n else "5" for x in range(n)] for _ in range(n)]
    widths = {}
    for name, other in (("scattered", scattered), ("together", together)):
        pieces = method.overlay(squares(truth), squares(other))
        out = method.blocked_interval(pieces, block_m=500)
        assert out.loc["agreement", "low"] <= out.loc["agreement", "value"]
        assert out.loc["agreement", "value"] <= out.loc["agreement", "high"]
        assert out.loc["agreement", "value"] == pytest.approx(0.75, abs=0.03)
        widths[name] = out.loc["agreement", "high"] - out.loc["agreement", "low"]
    assert widths["together"] > 2 * widths["scattered"]
    with pytest.raises(InvalidInput, match="mètres positif"):
        method.blocked_interval(pieces, block_m=0)


@pytest.fixture(scope="module")
def redon(shared_data):
    folder = shared_data / "lcz" / "redon"
    return (
        folder / "redon_bdtopo_rsu_lcz.geojson",
        folder / "redon_osm_rsu_lcz.geojson",
        folder / "redon_wudapt.tif",
    )


def test_redon_bdtopo_against_osm(redon):
    bdtopo, osm, _ = redon
    found = method.compare_maps(open_map(bdtopo), open_map(osm))
    assert found.crs == "EPSG:2154"
    assert round(found.agreement, 4) == 0.6175
    assert round(found.kappa, 4) == 0.5092
    assert round(found.area_ha, 1) == 1518.4


def test_redon_bdtopo_against_wudapt(redon):
    bdtopo, _, wudapt = redon
    found = method.compare_maps(open_map(bdtopo), open_map(wudapt))
    assert found.n == 1531
    assert round(found.agreement, 4) == 0.3240


def test_redon_on_the_command_line(redon, capfd):
    from eo_helpers.cli import main

    with pytest.raises(SystemExit) as ended:
        main(["lcz", "compare", str(redon[0]), str(redon[1]), "--json"])
    assert ended.value.code == 0
    out = json.loads(capfd.readouterr().out)
    assert round(out["agreement"], 4) == 0.6175 and round(out["kappa"], 4) == 0.5092
    cells = [v for row in out["matrix"].values() for v in row.values()]
    assert sum(cells) == pytest.approx(out["area_ha"])
    assert out["agreement_low"] < 0.6175 < out["agreement_high"]
    first = out["disagreements"][0]
    assert out["matrix"][first["a"]][first["b"]] == pytest.approx(first["area_ha"])


def test_the_map_of_agreement_is_written(redon, tmp_path, capfd):
    from eo_helpers.cli import main

    output = tmp_path / "accord.gpkg"
    for other, code in ((redon[1], 0), (redon[2], 2)):
        with pytest.raises(SystemExit) as ended:
            main(["lcz", "compare", str(redon[0]), str(other), "-o", str(output)])
        assert ended.value.code == code
    told = capfd.readouterr()
    assert "Fourchette à 95" in told.out and "deux cartes vecteur" in told.err
    pieces = gpd.read_file(output)
    assert pieces["area_ha"][pieces["agree"]].sum() / pieces["area_ha"].sum() == pytest.approx(
        0.6175, abs=1e-4
    )
