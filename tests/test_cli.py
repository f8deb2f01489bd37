"""The command line as scripts rely on it: JSON keys, standard streams, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FINDING_KEYS = {
    "theme",
    "commune",
    "status",
    "headline",
    "indicators",
    "layers",
    "charts",
    "caveats",
    "provenance",
    "parameters",
}


def eo(*args: object, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the real command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "eo_helpers.cli", *map(str, args)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, **env},
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def demo(demo_dir: Path) -> Path:
    return demo_dir


def test_commune_json_lists_the_best_first(demo):
    done = eo("commune", "saint aubin", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found[0]["name"].startswith("Saint-Aubin")
    assert set(found[0]) == {"insee", "name", "departement", "population", "score"}
    scores = [m["score"] for m in found]
    assert scores == sorted(scores, reverse=True)


def test_an_empty_query_lists_every_commune_of_the_source(demo):
    found = json.loads(eo("commune", "", "--json").stdout)
    assert {"99001", "97199"} <= {m["insee"] for m in found}


@pytest.mark.parametrize("theme", ["lcz", "lighting", "flood"])
def test_analyse_prints_the_whole_finding(demo, theme):
    done = eo("analyse", theme, "99001", "--json")
    assert done.returncode == 0, done.stderr
    finding = json.loads(done.stdout)
    assert set(finding) >= FINDING_KEYS
    assert finding["theme"] == theme
    assert set(finding["commune"]) == {"insee", "name"}
    assert finding["commune"]["insee"] == "99001"
    assert finding["status"] in ("complete", "partial")
    assert set(finding["headline"]) == {"fr", "en"}
    assert finding["indicators"]
    for indicator in finding["indicators"]:
        assert set(indicator) >= {"name", "value", "unit", "low", "high", "date", "source"}
    for origin in finding["provenance"]:
        keys = {"dataset", "edition", "licence", "source", "read_at", "demonstration"}
        assert set(origin) >= keys
        assert origin["demonstration"] is True
    datasets = {origin["dataset"] for origin in finding["provenance"]}
    assert {i["source"] for i in finding["indicators"] if i["source"]} <= datasets
    for layer in finding["layers"]:
        assert layer["alt"]["fr"] and layer["alt"]["en"]
    for chart in finding["charts"]:
        assert chart["alt"]["fr"] and chart["data"]


def test_two_runs_give_the_same_finding(demo):
    runs = [eo("analyse", "lighting", "99002", "--json").stdout for _ in range(2)]
    assert runs[0] == runs[1]


def test_analyse_without_json_begins_with_the_sentence(demo):
    done = eo("analyse", "lighting", "99001")
    headline = json.loads(eo("analyse", "lighting", "99001", "--json").stdout)["headline"]
    assert done.stdout.startswith(headline["fr"])
    english = eo("analyse", "lighting", "99001", EO_HELPERS_LANG="en")
    assert english.stdout.startswith(headline["en"])


def test_a_commune_outside_the_coverage_exits_with_3_and_says_so(demo):
    done = eo("analyse", "lcz", "97199", "--json")
    assert done.returncode == 3
    finding = json.loads(done.stdout)
    assert finding["status"] in ("no_data", "out_of_coverage")
    assert finding["remedy"]["fr"]


def test_an_unknown_commune_is_one_sentence_with_the_nearest_names(demo):
    done = eo("analyse", "lcz", "Sainte-Aubinne-sur-Ervele-la-Grande-Ville-Absente")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Saint-Aubin" in done.stderr


def test_an_unknown_theme_names_the_known_ones(demo):
    done = eo("analyse", "astrologie", "99001")
    assert done.returncode == 2
    assert "lcz" in done.stderr and "flood" in done.stderr


def test_an_unknown_parameter_is_named(demo):
    done = eo("analyse", "lcz", "99001", "-p", "vitesse=3")
    assert done.returncode == 2
    assert "vitesse" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_folder_has_no_communes(tmp_path):
    done = eo("commune", "Redon", "--source", "files", "--data", tmp_path)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert str(tmp_path) in done.stderr


def test_a_folder_that_does_not_exist_is_said(tmp_path):
    done = eo("commune", "Redon", "--data", tmp_path / "absent")
    assert done.returncode == 2
    assert "absent" in done.stderr and "Traceback" not in done.stderr


def test_data_list_counts_what_the_source_holds(demo):
    rows = {r["dataset"]: r for r in json.loads(eo("data", "list", "--json").stdout)}
    assert rows["communes"]["items"] >= 1
    assert rows["vnp46a3"]["items"] > 120
    assert rows["lcz-cerema"]["licence"]


def test_doctor_speaks_plainly(demo):
    done = eo("doctor")
    assert done.returncode == 0, done.stdout
    assert "Python 3" in done.stdout
    assert "démonstration" in done.stdout


def test_doctor_says_that_the_cache_cannot_be_written(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = eo("doctor", EO_HELPERS_CACHE=str(blocked))
    assert done.returncode == 2
    assert "EO_HELPERS_CACHE" in done.stdout


def test_help_is_in_french():
    assert "Que disent les satellites" in eo("--help").stdout


# --- The main job on real input ------------------------------------------------------------


def test_redon_among_the_real_communes(shared_data):
    done = eo("commune", "redon", "--source", "files", "--data", shared_data, "--json")
    assert json.loads(done.stdout)[0]["insee"] == "35236"


def test_the_real_climate_zones_of_redon(shared_data):
    done = eo("analyse", "lcz", "Redon", "--source", "files", "--data", shared_data, "--json")
    assert done.returncode == 0, done.stderr
    finding = json.loads(done.stdout)
    assert finding["commune"]["insee"] == "35236"
    shares = {i["name"]: i["value"] for i in finding["indicators"]}
    parts = [v for name, v in shares.items() if name.startswith("share_area_lcz_")]
    left = shares["share_area_unclassed"] + shares["share_area_uncovered"]
    assert sum(parts) + left == pytest.approx(100, abs=0.1)
    assert left < 2
    assert not any(origin["demonstration"] for origin in finding["provenance"])


def test_a_real_flood_extent_and_depth(shared_data, tmp_path):
    import numpy as np
    import rasterio

    scene = shared_data / "flood" / "sen1floods11_spain" / "S1Hand.tif"
    mask, probability = tmp_path / "mask.tif", tmp_path / "probability.tif"
    done = eo("flood", "extent", "--after", scene, "--probability", probability, "-o", mask)
    assert done.returncode == 0, done.stderr
    with rasterio.open(mask) as out, rasterio.open(scene) as given:
        assert out.dtypes == ("uint8",) and out.crs == given.crs
        assert out.transform == given.transform
        values = out.read(1)
    assert set(np.unique(values)) <= {0, 1, 255}
    with rasterio.open(scene.with_name("LabelHand.tif")) as file:
        label = file.read(1)
    seen = label >= 0
    water = (values == 1) & seen
    overlap = (water & (label == 1)).sum() / (water | ((label == 1) & seen)).sum()
    assert overlap > 0.465  # plain Otsu on VH on this scene
    with rasterio.open(probability) as out:
        chance = out.read(1)
        assert out.dtypes == ("float32",)
    assert np.nanmin(chance) >= 0 and np.nanmax(chance) <= 1

    site = shared_data / "flood" / "lyons"
    depth = tmp_path / "depth.tif"
    done = eo(
        *("flood", "depth", "--extent", site / "FloodExtent.tif"),
        *("--dem", site / "Elevation.tif", "-o", depth),
    )
    assert done.returncode == 0, done.stderr
    with rasterio.open(depth) as out:
        metres = out.read(1)
        assert out.dtypes == ("float32",)
    wet = metres[np.isfinite(metres) & (metres > 0)]
    assert 0.3 < np.median(wet) < 2.5
    assert np.nanmin(metres) >= 0
