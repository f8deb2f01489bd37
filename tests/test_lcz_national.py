"""One national map from Cerema's archives: whole, resumable, and read like an archive."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import pyarrow.parquet as pq
import pytest
import shapely

from benchmarks import kills
from eo_helpers import catalog
from eo_helpers.cli import main
from eo_helpers.errors import InvalidInput
from eo_helpers.lcz import data
from eo_helpers.lcz.national import GROUP_ROWS, build, parts_folder


@pytest.fixture(scope="module")
def archive(demo_dir: Path) -> Path:
    return next((demo_dir / "lcz").glob("*.zip"))


@pytest.fixture(scope="module")
def blocks(archive: Path) -> gpd.GeoDataFrame:
    return gpd.read_file(f"/vsizip/{{{archive}}}", encoding="ISO-8859-1")


def write(folder: Path, name: str, blocks: gpd.GeoDataFrame) -> Path:
    """An archive in Cerema's format."""
    stem = f"LCZ_SPOT_2022_{name}"
    shapes = folder / name
    shapes.mkdir()
    blocks.to_file(shapes / f"{stem}.shp", encoding="ISO-8859-1")
    path = folder / f"{stem}.zip"
    with zipfile.ZipFile(path, "w") as out:
        for part in sorted(shapes.iterdir()):
            out.write(part, part.name)
    shutil.rmtree(shapes)
    return path


def moved(blocks: gpd.GeoDataFrame, east: float) -> gpd.GeoDataFrame:
    return blocks.assign(identifier=blocks["identifier"] + f"_{east:.0f}").set_geometry(
        blocks.translate(east)
    )


def holding(*paths: Path) -> SimpleNamespace:
    return SimpleNamespace(dataset="lcz-cerema", paths=list(paths), items=())


def test_a_commune_is_the_same_from_the_national_map_and_from_its_archive(
    archive, demo_source, tmp_path
):
    national = tmp_path / "lcz_france.parquet"
    made = build([archive], national)
    assert made.blocks == 1990 and made.crs == "EPSG:2154"
    place = catalog.communes(demo_source).find("99001")
    a, b = data.read(holding(archive), place), data.read(holding(national), place)
    a, b = (f.sort_values("block_id", ignore_index=True) for f in (a, b))
    assert a["block_id"].tolist() == b["block_id"].tolist()
    assert a["lcz"].tolist() == b["lcz"].tolist()
    assert a["area_m2"].tolist() == pytest.approx(b["area_m2"].tolist(), abs=1e-6)
    assert a["vhr"].tolist() == b["vhr"].tolist()
    # Both in one folder: the same ground counts once.
    both = data.read(holding(archive, national), place)
    assert len(both) == len(a)


def test_the_file_is_sorted_and_has_boxes_that_let_a_reader_skip(blocks, tmp_path):
    archives = [write(tmp_path, f"Aire {k}", moved(blocks, 40_000 * k)) for k in range(4)]
    national = tmp_path / "lcz_france.parquet"
    made = build(archives[::-1], national)
    assert made.blocks == 4 * 1990
    geo = json.loads(pq.read_schema(national).metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"]["geometry"]["covering"]["bbox"]["xmin"] == ["bbox", "xmin"]
    with pq.ParquetFile(national) as file:
        position = file.schema.names.index("xmin")
        groups = [file.metadata.row_group(i).column(position).statistics
                  for i in range(file.metadata.num_row_groups)]  # fmt: skip
        assert file.metadata.num_rows > GROUP_ROWS
    # Row groups lie side by side along the curve rather than each over the whole country.
    assert all(g.max - g.min < 100_000 for g in groups)
    whole = gpd.read_parquet(national)
    assert set(whole["area_name"]) == {f"Aire {k}" for k in range(4)}
    assert whole["identifier"].is_unique


def test_the_order_of_the_archives_leaves_no_trace(blocks, tmp_path):
    a, b = (write(tmp_path, n, moved(blocks[:300], e)) for n, e in (("A", 0.0), ("B", 9_000.0)))
    build([a, b], tmp_path / "one.parquet")
    build([b, a, a], tmp_path / "two.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_blocks_that_two_archives_share_are_there_once(blocks, tmp_path):
    a = write(tmp_path, "Ouest", blocks[:1200])
    b = write(tmp_path, "Est", blocks[1000:])
    made = build([a, b], tmp_path / "n.parquet")
    assert (made.blocks, made.duplicates) == (1990, 200)


def test_the_files_source_knows_it_and_looks_past_its_parts(archive, demo_source, tmp_path):
    build([archive], tmp_path / "lcz_france.parquet")
    folder = parts_folder(tmp_path / "lcz_france.parquet")
    assert not folder.exists()
    folder.mkdir()
    shutil.copy(tmp_path / "lcz_france.parquet", folder / "part.parquet")
    source = catalog.open_source("files", [tmp_path])
    assert [i.properties["title"] for i in source.items("lcz-cerema")] == ["lcz_france.parquet"]
    place = catalog.communes(demo_source).find("99003")
    found = catalog.find("lcz-cerema", place, source)
    assert data.read(found, place)["area_m2"].sum() > 4e7


def test_a_killed_import_goes_on_where_it_stopped(blocks, tmp_path):
    archives = [write(tmp_path, f"Aire{k}", moved(blocks, 20_000 * k)) for k in range(6)]
    national = tmp_path / "lcz_france.parquet"
    command = [sys.executable, "-m", "eo_helpers.cli", "data", "import", "lcz",
               *map(str, archives), "-o", str(national)]  # fmt: skip
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    folder = parts_folder(national)
    limit = time.monotonic() + 30
    while len(list(folder.glob("*.parquet"))) < 2 and time.monotonic() < limit:
        time.sleep(0.005)
    run.kill()
    run.wait()
    assert not national.exists()
    ready = {p.name: p.stat().st_mtime_ns for p in folder.glob("*.parquet")}
    assert 2 <= len(ready) < 6
    (folder / ".eo-killed").mkdir()  # half a part

    seen: list[tuple[str, float]] = []
    made = build(archives, national, progress=lambda step, share: seen.append((step, share)))
    assert made.resumed == len(ready) and made.blocks == 6 * 1990
    shares = [share for _, share in seen]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert any("Aire3" in step for step, _ in seen)
    assert not folder.exists()
    again = tmp_path / "again.parquet"
    build(archives, again)
    assert again.read_bytes() == national.read_bytes()


def test_an_import_killed_at_any_moment_leaves_the_old_map_or_the_new(tmp_path):
    seen = kills.apart("import", tmp_path, 12, 7)
    assert seen["killed"] == 12 and seen["same"] and seen["left"] == []


def test_overseas_and_mainland_share_one_file_in_degrees(blocks, archive, demo_source, tmp_path):
    island = blocks[:50].set_crs("EPSG:5490", allow_override=True)
    island = island.set_geometry(island.translate(690_000 - 480_000, 1_780_000 - 6_980_000))
    national = tmp_path / "n.parquet"
    made = build([archive, write(tmp_path, "Île", island)], national)
    assert made.crs == "EPSG:4326" and made.blocks == 2040
    place = catalog.communes(demo_source).find("99005")
    a, b = data.read(holding(archive), place), data.read(holding(national), place)
    assert a["area_m2"].sum() == pytest.approx(b["area_m2"].sum(), abs=0.1)
    # Archive and national map together, in two CRS: still each block once.
    assert len(data.read(holding(archive, national), place)) == len(a)


def test_a_bad_archive_is_named_and_the_others_are_kept(blocks, tmp_path):
    good = write(tmp_path, "Bonne", blocks[:100])
    wrong = blocks[:100].copy()
    wrong.loc[7, "hre"] = 9999.0
    bad = write(tmp_path, "Fausse", wrong)
    cut = tmp_path / "LCZ_SPOT_2022_Coupée.zip"
    cut.write_bytes(good.read_bytes()[:2000])
    national = tmp_path / "n.parquet"
    with pytest.raises(InvalidInput, match="2 archive") as caught:
        build([good, bad, cut], national)
    assert "Fausse" in caught.value.fr and "hauteur" in caught.value.fr
    assert "Coupée" in caught.value.fr
    assert not national.exists() and len(list(parts_folder(national).glob("*.parquet"))) == 1
    made = build([good, bad, cut], national, skip_bad=True)
    assert made.blocks == 100 and made.resumed == 1
    assert sum("écartée" in note["fr"] for note in made.notes) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent.zip"], "n'existe pas"),
        (["-o", "n.csv", "{archive}"], "écrivez un fichier .parquet"),
        (["-o", "nowhere/n.parquet", "{archive}"], "dossier qui existe"),
        (["."], "aucune archive"),
    ],
)
def test_bad_commands_are_one_sentence(arguments, words, archive, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["data", "import", "lcz", *(a.format(archive=archive) for a in arguments)])
    assert ended.value.code == 2
    told = capsys.readouterr().err.strip()
    assert words in told and "\n" not in told
    assert not list(tmp_path.iterdir())


def test_the_command_takes_a_folder_and_tells_what_it_wrote(archive, tmp_path, capfd):
    folder = tmp_path / "archives"
    folder.mkdir()
    shutil.copy(archive, folder)
    output = tmp_path / "n.parquet"
    with pytest.raises(SystemExit) as ended:
        main(["data", "import", "lcz", str(folder), "-o", str(output), "--json"])
    assert ended.value.code == 0
    out, err = capfd.readouterr()
    told = json.loads(out)
    assert told["blocks"] == 1990 and told["output"] == "n.parquet"
    assert "100 %" in err and "1 990 blocs" in err.replace("\u202f", " ").replace("\xa0", " ")
    assert shapely.is_valid(gpd.read_parquet(output).geometry.to_numpy()).all()
