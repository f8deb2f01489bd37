"""National runs: known totals found again, the same after a kill, failures told, read in place."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
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
import shapely

from eo_helpers import catalog
from eo_helpers.catalog import tables
from eo_helpers.catalog.covering import read_box
from eo_helpers.cli import main
from eo_helpers.coastline import communes_table
from eo_helpers.coastline.finding import analyse as analyse_coast
from eo_helpers.errors import InvalidInput, NoData
from eo_helpers.lcz.finding import analyse as analyse_lcz
from eo_helpers.national import chunks, coastline, lcz
from eo_helpers.national.chunks import run
from eo_helpers.national.pool import Pool

OPTIONS = {"coastline": coastline.DEFAULTS, "lcz": {}}
THEMES = {"coastline": coastline.THEME, "lcz": lcz.THEME}


@pytest.fixture(scope="module", params=["coastline", "lcz"])
def published(request, demo_source, tmp_path_factory):
    """A theme's table by département, of the demonstration."""
    output = tmp_path_factory.mktemp("national") / request.param
    theme = THEMES[request.param]
    return (
        request.param,
        output,
        run(theme, demo_source, output, options=OPTIONS[request.param], workers=0, chunk=2),
    )


def test_every_row_has_the_figures_of_the_commune_s_own_finding(published, demo_source):
    name, output, told = published
    table = gpd.read_parquet(output / "data").set_index("insee")
    assert len(table) == told["communes"] >= 2
    index = catalog.communes(demo_source)
    for insee, row in table.iterrows():
        commune = index.get(insee)
        if name == "coastline":
            found = {i.name: i for i in analyse_coast(commune, demo_source).indicators}
            for column in ("measured_km", "retreat_km", "stable_km", "advance_km", "structure_km",
                           "not_measured_km", "mean_rate", "fastest_retreat"):  # fmt: skip
                assert row[column] == pytest.approx(found[column].value, abs=1e-3), column
            assert row["retreat_km_high"] == pytest.approx(found["retreat_km"].high, abs=1e-3)
            assert row["retreat_percent_all"] == pytest.approx(
                found["retreat_share_all"].value, abs=0.01
            )
        else:
            found = {i.name: i for i in analyse_lcz(commune, demo_source).indicators}
            for code in "23456789ABCDEFG":
                share = found.get(f"share_area_lcz_{code.lower()}")
                expected = share.value if share else 0.0
                assert row[f"lcz_{code.lower()}"] == pytest.approx(expected, abs=0.01), code
            assert row["sensitivity_low"] == pytest.approx(
                found["share_area_sensitivity_low"].value, abs=0.01
            )


def test_the_result_says_what_it_is(published):
    _, output, told = published
    collection = pystac.Collection.from_file(str(output / "collection.json"))
    items = list(collection.get_items())
    assert collection.validate() and all(item.validate() for item in items)
    rows = 0
    for item in items:
        part = gpd.read_parquet(item.assets["data"].get_absolute_href())
        assert list(part["departement"].unique()) == [item.id.rsplit("-", 1)[1]]
        assert part["insee"].is_monotonic_increasing and part["demonstration"].all()
        assert item.collection_id == collection.id
        rows += len(part)
    assert rows == told["communes"] == collection.extra_fields["eo_helpers:rows"]
    with (output / "dictionary.csv").open(encoding="utf-8") as file:
        words = {row["column"]: row["meaning"] for row in csv.DictReader(file)}
    assert list(words) == list(part.columns) and all(words.values())
    listed = {}
    for line in (output / "checksums.sha256").read_text().splitlines():
        digest, path = line.split("  ")
        listed[path] = digest
    there = {str(p.relative_to(output)) for p in output.rglob("*") if p.is_file()}
    assert set(listed) == there - {"checksums.sha256"}
    for path, digest in listed.items():
        assert hashlib.sha256((output / path).read_bytes()).hexdigest() == digest
    assert not output.with_name(output.name + ".work").exists()


def test_the_same_input_gives_the_same_bytes(published, demo_source, tmp_path):
    name, output, _ = published
    again = tmp_path / output.name
    run(THEMES[name], demo_source, again, options=OPTIONS[name], workers=0, chunk=2)
    assert (again / "checksums.sha256").read_text() == (output / "checksums.sha256").read_text()
    # A second run in its place replaces it; a folder of something else is left alone.
    run(THEMES[name], demo_source, again, options=OPTIONS[name], workers=0, chunk=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == [output.name]
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "love.txt").write_text("…")
    with pytest.raises(InvalidInput, match="autre chose"):
        run(THEMES[name], demo_source, tmp_path / "letters", options=OPTIONS[name], workers=0)


def test_a_folder_of_data_knows_the_table_and_reads_a_commune_in_place(published, tmp_path):
    name, output, _ = published
    (tmp_path / "x").symlink_to(output)
    source = catalog.open_source("files", [output.parent])
    (item,) = source.items(f"{name}-communes")
    assert item.properties["eo_helpers:demonstration"] and not source.items("communes")
    path = Path(item.assets["data"].href)
    whole = tables.read(path)
    one = whole.iloc[-1]
    row = tables.row(path, one["insee"], one["departement"])
    assert row["name"] == one["name"]
    assert tables.row(path, "99999", one["departement"]) is None
    near = tables.read(path, bbox=tuple(one.geometry.bounds), columns=["insee", "geometry"])
    assert one["insee"] in set(near["insee"])
    assert len(tables.read(path, bbox=(170, 0, 171, 1))) == 0
    with pytest.raises(InvalidInput, match="national"):
        tables.read(Path(__file__))


ANALYSES = {"coastline": analyse_coast, "lcz": analyse_lcz}


def test_a_commune_without_the_map_is_told_from_the_table(published, demo_source):
    """The figures are those of its own Finding, and what is lacking is said."""
    name, output, _ = published
    source = catalog.open_source("files", [output.parent])
    index, seen = catalog.communes(demo_source), 0
    for insee in gpd.read_parquet(output / "data")["insee"]:
        own = ANALYSES[name](index.get(insee), demo_source)
        told = ANALYSES[name](index.get(insee), source)
        assert told.status == "partial" and told.remedy and told.provenance and told.demonstration
        assert "calcul national" in told.caveats[0]["fr"]
        figures = {i.name: i.value for i in own.indicators}
        for indicator in told.indicators:
            if indicator.name in figures:
                seen += 1
                assert indicator.value == pytest.approx(figures[indicator.name], abs=0.06)
        for lang in ("fr", "en"):
            # Without people and bounds, the same part of the ground in the same words.
            start = own.headline[lang].split(" (")[0].split(",")[0]
            assert told.headline[lang].startswith(start[:40])
    assert seen > 10
    with pytest.raises(InvalidInput, match="calculez-la"):
        (output.parent / "broken").mkdir()
        folder = shutil.copytree(output, output.parent / "broken" / output.name)
        for part in (folder / "data").glob("*.parquet"):
            part.write_bytes(b"PAR1")
        ANALYSES[name](index.get(insee), catalog.open_source("files", [folder.parent]))
    shutil.rmtree(output.parent / "broken")


@pytest.fixture(scope="module")
def grid(tmp_path_factory) -> Path:
    """Simulated national data: 60 communes in three départements, values that are known.

    Profiles: 3 in each even commune, in turn in retreat, without a rate, not moving. Blocks: the
    west half of each commune is D, the east half 6.
    """
    folder = tmp_path_factory.mktemp("grid")
    side, rows, profiles, blocks = 2000.0, [], [], []
    for k in range(60):
        x, y = 400_000 + side * (k % 10), 6_700_000 + side * (k // 10)
        rows.append((f"{35 + k // 20}{k % 20 + 1:03d}", f"Ville {k}", shapely.box(
            x, y, x + side, y + side)))  # fmt: skip
        if k % 2 == 0:
            profiles += [
                (rate, shapely.box(x + 500 + 100 * n, y + 500, x + 550 + 100 * n, y + 550))
                for n, rate in enumerate((-1.0, -9999.0, 0.0))
            ]
        blocks += [("D", shapely.box(x, y, x + side / 2, y + side)),
                   ("6", shapely.box(x + side / 2, y, x + side, y + side))]  # fmt: skip
    towns = gpd.GeoDataFrame(
        {"insee": [r[0] for r in rows], "name": [r[1] for r in rows]},
        geometry=[r[2] for r in rows], crs=2154,
    )  # fmt: skip
    # Corners alone would bend the borders off the blocks.
    towns.geometry = towns.geometry.segmentize(100)
    towns.to_crs(4326).to_parquet(folder / "communes.parquet")
    gpd.GeoDataFrame(
        {"taux": [p[0] for p in profiles], "duree": 60, "tdc_ancien": 1950, "tdc_rec": 2010,
         "amenagemen": 0},
        geometry=[p[1] for p in profiles], crs=2154,
    ).to_file(folder / "inec.gpkg")  # fmt: skip
    frame = gpd.GeoDataFrame(
        {"identifier": [str(n) for n in range(len(blocks))], "lcz": [b[0] for b in blocks],
         "lcz_int": [14 if b[0] == "D" else 6 for b in blocks]},
        geometry=[b[1] for b in blocks], crs=2154,
    )  # fmt: skip
    for column in ("hre", "are", "bur", "ror", "bsr", "war", "ver", "vhr"):
        frame[column] = 80.0 if column == "ver" else 5.0
    frame.to_parquet(folder / "lcz.parquet", write_covering_bbox=True, row_group_size=7)
    return folder


def test_known_totals_of_a_country_are_found_again(grid, tmp_path):
    source = catalog.open_source("files", [grid])
    told = run(
        coastline.THEME, source, tmp_path / "c", options=coastline.DEFAULTS, workers=0, chunk=7
    )
    assert told["chunks"] == 9  # three départements of 20: none across a border
    assert told["communes"] == 30 and told["without_data"] == 30
    assert told["country"]["coast_km"] == told["communes_km"] == pytest.approx(18.0)
    assert told["country"]["measured_km"] == pytest.approx(12.0)
    assert told["country"]["retreat_percent_measured"] == pytest.approx(50.0)
    assert told["country"]["retreat_percent_all"] == pytest.approx(33.33)
    assert told["country"]["not_measured_km"] == pytest.approx(6.0)
    assert sorted(p.name for p in (tmp_path / "c" / "data").glob("*.parquet")) == [
        "35.parquet",
        "36.parquet",
        "37.parquet",
    ]
    told = run(lcz.THEME, source, tmp_path / "l", workers=0, chunk=7)
    assert told["communes"] == 60 and told["mapped_km2"] == pytest.approx(240.0, abs=0.05)
    assert told["country_km2"]["lcz_d"] == pytest.approx(120.0, abs=0.05)
    table = tables.read(tmp_path / "l")
    assert table["mapped_percent"].to_numpy() == pytest.approx(100.0, abs=0.01)
    assert table["lcz_6"].to_numpy() == pytest.approx(50.0, abs=0.05)


def test_a_commune_is_compared_with_others_of_the_national_table(grid, tmp_path):
    source = catalog.open_source("files", [grid])
    run(coastline.THEME, source, tmp_path / "c", options=coastline.DEFAULTS, workers=0)
    run(lcz.THEME, source, tmp_path / "l", workers=0)
    both = catalog.open_source("files", [grid, tmp_path])
    for insee in ("35001", "36003"):
        commune = catalog.communes(both).get(insee)
        # With the map or the indicator at hand, and from the tables alone.
        for some in (both, catalog.open_source("files", [tmp_path])):
            coast = analyse_coast(commune, some)
            # No coast is long enough to be compared by its rate: two profiles of 200 m each.
            assert not [i for i in coast.indicators if i.group == "comparison"]
            heat = analyse_lcz(commune, some)
            (share,) = [i for i in heat.indicators if i.group == "comparison"]
            assert share.name == "departement_share_area_sensitive"
            assert "19 autres communes du département" in share.label["fr"]
            assert share.value == pytest.approx(
                {i.name: i.value for i in heat.indicators}["share_area_sensitive"], abs=0.1
            )
            assert [chart.name for chart in heat.charts].count("comparison") == 1
    table = tables.read(tmp_path / "c").drop(columns="geometry")
    table = table.assign(epci=None, measured_km=2.0, retreat_km=1.0)
    table.loc[table["insee"] == "36003", "retreat_km"] = 1.5
    table.loc[table["insee"] == "36005", "retreat_km"] = 2.0
    (found,) = communes_table.compare("36003", table)
    assert (found.kind, found.n, found.below, found.own) == ("departement", 9, 8, 0.75)
    assert found.theirs == pytest.approx(10 / 18)


def test_a_box_of_a_large_file_is_what_geopandas_gives(grid):
    path = grid / "lcz.parquet"
    whole = gpd.read_parquet(path)
    for bounds in ((401_000.0, 6_701_000.0, 405_500.0, 6_703_500.0), (0.0, 0.0, 1.0, 1.0)):
        mine = read_box(path, ["identifier", "lcz"], bounds)
        theirs = gpd.read_parquet(path, bbox=bounds, columns=["identifier", "lcz", "geometry"])
        assert mine["identifier"].tolist() == theirs["identifier"].tolist()
        assert mine.crs == whole.crs and mine.geometry.geom_equals(theirs.geometry).all()


def test_a_killed_run_goes_on_and_gives_the_same_result(grid, tmp_path):
    output = tmp_path / "lcz"
    command = [sys.executable, "-m", "eo_helpers.cli", "national", "lcz", "-o", str(output),
               "--data", str(grid), "--workers", "0"]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    folder = output.with_name("lcz.work") / "chunks"
    limit = time.monotonic() + 60
    while not list(folder.glob("0*.parquet")) and process.poll() is None:
        time.sleep(0.002)
        assert time.monotonic() < limit
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert process.returncode == -signal.SIGKILL and not output.exists()
    done = {p.name: p.stat().st_mtime_ns for p in folder.glob("0*.parquet")}
    assert 1 <= len(done) < 3
    source = catalog.open_source("files", [grid])
    kept: dict[str, int] = {}

    def watch(label: str, fraction: float) -> None:
        kept.update({p.name: p.stat().st_mtime_ns for p in folder.glob("0*.parquet")})

    told = run(lcz.THEME, source, output, workers=0, progress=watch)
    assert told["resumed"] == len(done) and {n: kept[n] for n in done} == done
    other = tmp_path / "other" / "lcz"
    other.parent.mkdir()
    run(lcz.THEME, source, other, workers=2)  # on a Dask cluster of this machine
    assert (other / "checksums.sha256").read_text() == (output / "checksums.sha256").read_text()


_real = lcz.rows


def _fails_in_36(communes, paths, dataset, options):
    if communes["insee"].iloc[0].startswith("36"):
        raise RuntimeError("disk away")
    return _real(communes, paths, dataset, options)


def test_what_fails_is_told_and_the_rest_is_kept(grid, tmp_path):
    source = catalog.open_source("files", [grid])
    theme = chunks.Theme(**{**vars(lcz.THEME), "rows": _fails_in_36})
    output = tmp_path / "lcz"
    with pytest.raises(InvalidInput, match="36001 – 36020 : RuntimeError : disk away") as refused:
        run(theme, source, output, workers=0)
    assert "--keep-going" in refused.value.fr and not output.exists()
    (failure,) = json.loads((tmp_path / "lcz.work" / "failures.json").read_text())
    assert failure == {"what": "communes 36001 – 36020", "why": "RuntimeError : disk away"}
    assert len(list((tmp_path / "lcz.work" / "chunks").glob("0*"))) == 2
    told = run(theme, source, output, workers=0, keep_going=True)
    assert told["communes"] == 40 and told["resumed"] == 2 and told["failed"] == [failure]
    said = json.loads((output / "collection.json").read_text())
    assert said["eo_helpers:failed"] == [failure]
    # The disk is back: only what is missing would be done again, the result is whole.
    assert run(lcz.THEME, source, output, workers=0)["communes"] == 60


def _second_time(mark: str) -> str:
    path = Path(mark)
    if not path.exists():
        path.write_text("seen")
        raise OSError("away")
    return "done"


def _eats(size: int) -> int:
    held = np.ones(size, np.uint8)
    if size > 10:
        time.sleep(20)  # long enough to be seen by whoever watches the memory
    return int(held.sum())


def test_a_task_is_tried_again_and_a_worker_s_memory_is_bounded(tmp_path):
    for workers in (0, 1):
        with Pool(workers=workers) as pool:
            (outcome,) = pool.outcomes(_second_time, [(str(tmp_path / f"{workers}"),)])
        assert outcome.result == "done" and outcome.error is None
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        Pool(workers=1, memory="400MiB") as pool,
    ):
        # One after the other: a task beside the one that is ended would be ended with it.
        (small,) = pool.outcomes(_eats, [(10,)])
        (large,) = pool.outcomes(_eats, [(700_000_000,)])
    assert small.result == 10
    assert isinstance(large.error, InvalidInput) and "mémoire" in large.why
    with pytest.raises(InvalidInput, match="2GB"):
        Pool(memory="many")


def _hangs(mark: str, always: bool) -> str:
    path = Path(mark)
    if always or not path.exists():
        path.write_text("seen")
        time.sleep(600)
    return "done"


def test_a_task_that_never_answers_holds_nothing_up(tmp_path):
    once, always = str(tmp_path / "once"), str(tmp_path / "always")
    with Pool(workers=1, patience=10) as pool:
        found = [*pool.outcomes(_hangs, [(once, False), (always, True)])]
        # The processes are there again for what comes next.
        (after,) = pool.outcomes(_hangs, [(once, False)])
    by_task = {outcome.task[0]: outcome for outcome in found}
    assert by_task[once].result == "done" and after.result == "done"
    assert isinstance(by_task[always].error, InvalidInput) and "--patience" in by_task[always].why


def test_commands_tell_the_country(grid, tmp_path, capfd):
    with pytest.raises(SystemExit) as ended:
        main(["national", "coastline", "-o", str(tmp_path / "c"), "--data", str(grid),
              "--workers", "0"])  # fmt: skip
    assert ended.value.code == 0
    told = capfd.readouterr().out
    assert "30 communes littorales ; 18.0 km de côte, dont 12.0 km mesurés" in told
    assert "50.0 % de la côte mesurée, 33.3 % de toute la côte" in told
    with pytest.raises(SystemExit):
        main(["national", "--help"])
    assert "Pas de calcul national pour flood, vegetation et desealing" in " ".join(
        capfd.readouterr().out.split()
    )


def test_nothing_to_run_on_is_said(tmp_path, grid):
    (tmp_path / "communes.parquet").symlink_to(grid / "communes.parquet")
    with pytest.raises(NoData, match="côtière"):
        run(coastline.THEME, catalog.open_source("files", [tmp_path]), tmp_path / "o", workers=0)
    assert [p.name for p in tmp_path.iterdir()] == ["communes.parquet"]
    assert pd.read_parquet(grid / "communes.parquet", columns=["insee"])["insee"].is_unique
