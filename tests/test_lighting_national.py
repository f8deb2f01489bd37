"""Lighting of all communes at once: the same answers as one by one, even after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import pytest

from eo_helpers import catalog
from eo_helpers.errors import InvalidInput, NoData
from eo_helpers.lighting import peers
from eo_helpers.lighting.finding import analyse
from eo_helpers.lighting.practice import MARKS
from eo_helpers.national import pool
from eo_helpers.national.lighting import run
from eo_helpers.national.pool import Pool
from eo_helpers.national.work import work_folder

#: Five years with a switch-off and a lighting again in them.
YEARS = ("A2017", "A2018", "A2019", "A2020", "A2021")


def results(work, tasks, **where) -> list:
    with Pool(**where) as some:
        return list(some.results(work, tasks))


@pytest.fixture(scope="module")
def folder(demo_dir, tmp_path_factory) -> Path:
    """Part of the demonstration, with a tile cut short."""
    folder = tmp_path_factory.mktemp("national")
    for name in ("communes.parquet", "territory.json"):
        (folder / name).symlink_to(demo_dir / name)
    tiles = folder / "lighting"
    tiles.mkdir()
    for path in sorted((demo_dir / "lighting").glob("VNP46A3.*.h5")):
        if path.name.split(".")[1][:5] in YEARS:
            (tiles / path.name).symlink_to(path)
    cut = next(tiles.glob("VNP46A3.A2019152.h18v04.*"))
    content = cut.read_bytes()
    cut.unlink()
    cut.write_bytes(content[: len(content) // 2])
    return folder


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory) -> tuple[Path, dict]:
    output = tmp_path_factory.mktemp("whole") / "national.parquet"
    return output, run(catalog.open_source("files", [folder]), output, workers=0)


def test_every_commune_has_the_answer_of_its_own_analysis(folder, whole):
    table = gpd.read_parquet(whole[0]).set_index("insee")
    source = catalog.open_source("files", [folder])
    index = catalog.communes(source)
    assert len(table) == len(index) == 6
    for insee, row in table.iterrows():
        finding = analyse(index.get(insee), source, broken="gap")
        one = {i.name: i for i in finding.indicators}
        assert row["practice"] == one["practice"].value
        assert row["headline"] == finding.headline["fr"]
        assert 100 * row["confidence"] == pytest.approx(one["practice_confidence"].value, abs=0.1)
        assert row["months_valid"] == one["months_valid"].value
        assert row["months_missing"] == one["months_missing"].value
        assert row["months_gap_filled"] == one["months_gap_filled"].value
        assert row["radiance_recent"] == pytest.approx(one["radiance_recent"].value, abs=1e-3)
        assert row["trend_percent_per_year"] == pytest.approx(one["trend"].value, abs=0.01)
        date = one.get("switch_off_date") or one.get("switch_on_date")
        assert pd.isna(row["date"]) if date is None else row["date"] == date.value
        if date:
            assert row["change_percent"] == pytest.approx(one["change_percent"].value, abs=0.06)


def test_by_departement_and_in_blocks_it_is_the_same_and_read_in_place(folder, whole, tmp_path):
    output = tmp_path / "data" / "pratiques"
    output.parent.mkdir()
    told = run(catalog.open_source("files", [folder]), output, workers=0, block=2)
    assert told == whole[1]
    pystac.Collection.from_file(str(output / "collection.json")).validate_all(recursive=False)
    one, parts = gpd.read_parquet(whole[0]), gpd.read_parquet(output / "data")
    parts = parts.sort_values("insee", ignore_index=True)
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(parts), check_dtype=False)
    # Without the monthly files: a commune's Finding from its row, its neighbours, no fresh scan.
    (output.parent / "communes.parquet").symlink_to(folder / "communes.parquet")
    source = catalog.open_source("files", [output.parent])
    index = catalog.communes(source)
    finding = analyse(index.get("99003"), source)
    row = one.set_index("insee").loc["99003"]
    assert finding.headline["fr"] == row["headline"]
    assert finding["practice"].value == row["practice"]
    drawn = next(layer for layer in finding.layers if layer.name == "practices")
    assert "99003" in set(drawn.data["insee"]) and len(drawn.data) == 5


def test_the_file_and_its_item_say_what_they_are(whole):
    output, summary = whole
    table = gpd.read_parquet(output)
    assert table.crs.to_epsg() == 4326 and table["demonstration"].all()
    assert table["insee"].is_monotonic_increasing
    item = pystac.Item.from_file(str(output.with_suffix(".json")))
    assert item.assets["data"].href.endswith(output.name)
    assert item.properties["start_datetime"].startswith("2017-01-01")
    assert item.properties["end_datetime"].startswith("2021-12-31")
    assert item.properties["eo_helpers:demonstration"] is True
    assert set(item.properties["eo_helpers:columns"]) == set(table.columns)
    # The tile that was cut short is a gap that is told.
    assert any("A2019152" in told for told in summary["left_out"])
    assert sum(summary["practices"].values()) == summary["communes"] == 6
    assert not output.with_name(output.name + ".work").exists()
    for row in table["events"]:
        assert isinstance(json.loads(row), list)


def _killed(folder: Path, output: Path, options: list[str]) -> dict[str, int]:
    """Start a run, kill it halfway; the months done, with when they were written."""
    command = [sys.executable, "-m", "eo_helpers.cli", "national", "lighting", "-o", str(output),
               "--data", str(folder), *options]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    months = output.with_name(output.name + ".work") / "months"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if months.exists() and len(list(months.glob("2*.parquet"))) >= 8:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.returncode == -signal.SIGKILL, process.stderr.read()
    process.stderr.close()
    assert not output.exists()
    time.sleep(0.5)  # workers elsewhere end what they are at
    before = {p.name: p.stat().st_mtime_ns for p in months.glob("2*.parquet")}
    assert 8 <= len(before) < 58
    return before


def test_a_commune_is_compared_where_the_table_is_in_the_folder(folder, whole, tmp_path):
    alone = catalog.open_source("files", [folder])
    commune = next(catalog.communes(alone).get(m.insee) for m in catalog.communes(alone))
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "pratiques.parquet").write_bytes(whole[0].read_bytes())
    # A run in progress is no data.
    (tmp_path / "x.parquet.work").mkdir()
    (tmp_path / "x.parquet.work" / "communes.parquet").write_bytes(b"cut short")
    both = catalog.open_source("files", [tmp_path, *tmp_path.glob("lighting/")])
    assert len(both.items("communes")) == 1 and len(both.items("lighting-communes")) == 1
    assert not [p for p, _ in both.rejected if ".work" in str(p)]
    before = analyse(commune, alone, broken="gap")
    after = analyse(commune, both, broken="gap")
    # The same answer, and the comparisons.
    assert after.headline == before.headline
    assert after.indicators[: len(before.indicators)] == before.indicators
    assert [p.dataset for p in after.provenance] == ["vnp46a3", "lighting-communes"]
    more = {i.name: i for i in after.indicators[len(before.indicators) :]}
    table = gpd.read_parquet(whole[0])
    codes = gpd.read_parquet(folder / "communes.parquet").set_index("insee")["epci"]
    others = table[(table["insee"].map(codes) == codes[commune.insee])]
    others = others[others["insee"] != commune.insee]
    assert len(others) >= 2 and set(more) >= {"epci_radiance_recent", "epci_share_switched_off"}
    assert more["epci_radiance_recent"].value == pytest.approx(others["radiance_recent"].median())
    own = float(table.set_index("insee").loc[commune.insee, "radiance_recent"])
    below = int((others["radiance_recent"] < own).sum())
    assert f"plus que {below} d'entre elles" in more["epci_radiance_recent"].label["fr"]
    out = (others["practice"] == "extinction_totale").mean()
    assert more["epci_share_switched_off"].value == pytest.approx(100 * out)
    assert not any(name.startswith("size") for name in more)  # six communes are too few


def test_without_the_monthly_files_the_table_gives_the_same_answer(folder, whole, tmp_path):
    (tmp_path / "communes.parquet").symlink_to(folder / "communes.parquet")
    (tmp_path / "pratiques.parquet").write_bytes(whole[0].read_bytes())
    (tmp_path / "pratiques.json").write_bytes(whole[0].with_suffix(".json").read_bytes())
    there = catalog.open_source("files", [folder])
    table = catalog.open_source("files", [tmp_path])
    index = catalog.communes(table)
    for match in index:
        commune = index.get(match.insee)
        full, short = analyse(commune, there, broken="gap"), analyse(commune, table)
        assert short.headline == full.headline and short.status == "partial" and short.remedy
        mine = {i.name: i for i in short.indicators}
        for indicator in full.indicators:
            if indicator.name not in mine or indicator.value is None:
                continue
            value = mine[indicator.name].value
            if isinstance(indicator.value, str):
                assert value == indicator.value
            else:
                assert value == pytest.approx(indicator.value, abs=0.06)
        assert {"practice", "radiance_recent", "months_valid"} <= set(mine)
        assert [p.dataset for p in short.provenance] == ["lighting-communes"]
        drawn = next(layer for layer in short.layers if layer.name == "practices")
        assert commune.insee in set(drawn.data["insee"])
        assert set(drawn.data["practice"]) <= {c.value for c in drawn.legend.categories}
        known = drawn.data.set_index("insee").loc[commune.insee]
        assert known["tooltip_fr"].startswith(f"{commune.name} : ")


def test_the_commune_is_drawn_among_others(folder, whole, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "pratiques.parquet").write_bytes(whole[0].read_bytes())
    both = catalog.open_source("files", [tmp_path, *tmp_path.glob("lighting/")])
    finding = analyse(catalog.communes(both).get("99003"), both, broken="gap")
    charts = {chart.name: chart for chart in finding.charts}
    light = charts["comparison"].data
    assert light["label_fr"].iloc[0] == finding.commune.name
    assert light["value"].iloc[0] == pytest.approx(finding["radiance_recent"].value, abs=1e-3)
    others = light.iloc[1:]
    assert ((others["low"] <= others["value"]) & (others["value"] <= others["high"])).all()
    practices = charts["practices"].data
    assert practices["value"].sum() == pytest.approx(100)
    (own,) = practices[practices["label_fr"].str.contains(finding.commune.name)]["mark"]
    assert own == MARKS[finding["practice"].value]


def test_a_table_older_than_the_files_is_told(folder, whole, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "pratiques.parquet").write_bytes(whole[0].read_bytes())
    item = json.loads(whole[0].with_suffix(".json").read_text())

    def caveats() -> str:
        both = catalog.open_source("files", [tmp_path, *tmp_path.glob("lighting/")])
        finding = analyse(catalog.communes(both).get("99003"), both, broken="gap")
        return " ".join(caveat["fr"] for caveat in finding.caveats)

    (tmp_path / "pratiques.json").write_text(json.dumps(item))
    assert "calcul national" not in caveats()
    item["properties"]["end_datetime"] = "2020-06-30T00:00:00Z"
    (tmp_path / "pratiques.json").write_text(json.dumps(item))
    assert "arrêté en juin 2020, plus ancien que les mesures" in caveats()


def test_the_map_of_the_country_and_its_counts(whole, tmp_path):
    from PIL import Image

    from eo_helpers.cli import main

    drawn, csv = tmp_path / "carte.png", tmp_path / "comptes.csv"
    with pytest.raises(SystemExit) as done:
        main(["national", "lighting-map", str(whole[0]), "-o", str(drawn), "--counts", str(csv)])
    assert done.value.code == 0
    with Image.open(drawn) as picture:
        assert min(picture.size) > 1000
        # the switched-off communes are there, in their colour
        assert sum(n for n, c in picture.getcolors(10**6) if c[:3] == (0x22, 0x22, 0x6B)) > 500
    told = pd.read_csv(csv, dtype={"departement": str})
    assert told["communes"].sum() == 6 and set(told["departement"]) == {"971", "99"}
    for name, part in told[told["practice"] != "indetermine"].groupby("departement"):
        assert part["share"].sum() == pytest.approx(100), name
    with pytest.raises(SystemExit) as refused:
        main(["national", "lighting-map", str(csv), "-o", str(drawn)])
    assert refused.value.code == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["carte.png", "comptes.csv"]


def test_communes_of_one_size_are_compared():
    n = 30
    table = pd.DataFrame(
        {
            "insee": [f"35{k:03d}" for k in range(n)],
            "departement": ["35"] * 4 + [str(k) for k in range(n - 4)],
            "population": pd.array([1000] * 15 + [pd.NA] + [3000] * 14, dtype="Int64"),
            "practice": ["extinction_totale", "pas_de_changement"] * 15,
            "radiance_recent": np.arange(n, dtype=float),
            "months_valid": [100] * 14 + [3] + [100] * 15,
        }
    )
    (size,) = peers.compare("35002", table, {})
    # Fourteen of the size have enough months; the commune is one of them.
    assert (size.kind, size.n, size.below, size.out) == ("size", 13, 2, 6)
    assert size.median == 7.0 and size.label["fr"] == "de 500 à 2\u202f000 habitants"
    assert peers.compare("35015", table, {}) == []  # population unknown
    assert peers.compare("75056", table, {}) == []
    assert [
        p.kind for p in peers.compare("35002", table, {f"35{k:03d}": "E" for k in range(3)})
    ] == [
        "epci",
        "size",
    ]


def test_a_killed_run_goes_on_and_gives_the_same_file(folder, whole, tmp_path):
    output = tmp_path / "national.parquet"
    before = _killed(folder, output, ["--workers", "0"])
    months = output.with_name(output.name + ".work") / "months"
    kept: dict[str, int] = {}

    def watch(label: str, fraction: float) -> None:
        kept.update({p.name: p.stat().st_mtime_ns for p in months.glob("2*.parquet")})

    run(catalog.open_source("files", [folder]), output, workers=0, progress=watch)
    assert {name: kept[name] for name in before} == before
    assert output.read_bytes() == whole[0].read_bytes()
    assert output.with_suffix(".json").read_bytes() == whole[0].with_suffix(".json").read_bytes()


def test_other_options_do_not_take_the_work_of_these(folder, whole, tmp_path):
    source = catalog.open_source("files", [folder])

    def place(view: str) -> Path:
        return work_folder(tmp_path / "n.parquet", source, {"view": view}, ["months"])

    (place("AllAngle") / "months" / "2017-01.parquet").write_text("done")
    assert (place("AllAngle") / "months" / "2017-01.parquet").exists()
    assert not list((place("NearNadir") / "months").iterdir())


def test_tasks_can_be_done_one_by_one():
    tasks = [(float(k), 2.0) for k in range(5)]
    assert results(np.power, tasks, workers=0) == [0.0, 1.0, 4.0, 9.0, 16.0]
    assert results(np.power, [], workers=0) == []


@pytest.fixture(scope="module")
def scheduler():
    """Address of a Dask scheduler with two workers, each a process of its own."""
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
    ):
        yield cluster.scheduler_address


def _die(path: str) -> None:
    os._exit(1)


def test_a_scheduler_elsewhere_gives_the_same_file_even_after_a_kill(
    folder, whole, tmp_path, scheduler
):
    # More tasks than are sent at once.
    tasks = [(float(k), 2.0) for k in range(40)]
    found = sorted(results(np.power, tasks, scheduler=scheduler))
    assert found == [float(k) ** 2 for k in range(40)]
    output = tmp_path / "national.parquet"
    before = _killed(folder, output, ["--scheduler", scheduler])
    kept: dict[str, int] = {}
    months = output.with_name(output.name + ".work") / "months"

    def watch(label: str, fraction: float) -> None:
        kept.update({p.name: p.stat().st_mtime_ns for p in months.glob("2*.parquet")})

    source = catalog.open_source("files", [folder])
    run(source, output, scheduler=scheduler, progress=watch)
    assert {name: kept[name] for name in before} == before
    assert output.read_bytes() == whole[0].read_bytes()
    assert output.with_suffix(".json").read_bytes() == whole[0].with_suffix(".json").read_bytes()


def test_the_cluster_of_this_machine_gives_the_same_file(folder, whole, tmp_path):
    output = tmp_path / "national.parquet"
    run(catalog.open_source("files", [folder]), output, workers=2)
    assert output.read_bytes() == whole[0].read_bytes()


def test_workers_keep_their_memory_whatever_dask_did_before(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "65536")  # as an earlier cluster leaves it
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for name, value in (("MALLOC_TRIM_THRESHOLD_", str(1 << 28)), ("OMP_NUM_THREADS", "1")):
        assert results(os.getenv, [(name,)], workers=1) == [value]


def test_what_goes_wrong_with_dask_is_said(scheduler, monkeypatch):
    monkeypatch.setattr(pool, "TIMEOUT", 1)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        with pytest.raises(NoData, match="ordonnanceur"):
            results(np.power, [(1.0, 2.0)], scheduler=address)
    with pytest.raises(InvalidInput, match="--workers"):
        results(_die, [("",)], scheduler=scheduler)


def test_what_is_missing_is_said(tmp_path, demo_dir):
    (tmp_path / "communes.parquet").symlink_to(demo_dir / "communes.parquet")
    with pytest.raises(NoData):
        run(catalog.open_source("files", [tmp_path]), tmp_path / "n.parquet", workers=0)
