"""Files of strangers, broken in every way: one of our errors, never another, never a hang."""

from __future__ import annotations

import json
import random
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.strange_files import TOWN, Held, broken, outcome, readers, write_seeds
from eo_helpers.catalog.guarded import Guard
from eo_helpers.catalog.signatures import SUFFIXES, recognise
from eo_helpers.errors import EoError, InvalidInput, reading
from eo_helpers.flood import catnat, gauges

pytestmark = pytest.mark.filterwarnings("ignore")
#: The same cases on every run: a failure is one of the code, not of the day.
QUICK = settings(
    max_examples=30, deadline=10_000, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip

READERS = (
    "signatures.recognise", "flood.catnat", "flood.gauges", "lcz.data.read", "lcz.data.open_map",
    "coastline.read_shorelines", "coastline.read_transects", "coastline.read_positions",
    "coastline.data", "desealing.ownership", "desealing.parcels", "packs.open_pack",
)  # fmt: skip


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return write_seeds(tmp_path_factory.mktemp("seeds"))


@pytest.fixture
def quiet_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path / "cache"))


def test_the_sound_files_are_read(seeds, quiet_cache):
    for name, (reader, files) in readers(seeds).items():
        for file in files:
            assert outcome(reader, seeds[file]) == "read", (name, file)


@pytest.mark.parametrize("name", READERS)
def test_a_broken_file_is_refused_in_a_sentence(name, seeds, tmp_path, quiet_cache):
    reader, files = readers(seeds)[name]
    # HDF5 is broken below, where a hang can be ended.
    files = [f for f in files if not f.endswith(".h5")]

    @QUICK
    @given(file=st.sampled_from(files), seed=st.integers(0, 2**32))
    def check(file, seed):
        path = tmp_path / file
        path.write_bytes(broken(seeds[file].read_bytes(), random.Random(seed)))
        assert outcome(reader, path) in ("read", "refused")

    check()


@QUICK
@given(suffix=st.sampled_from(sorted(SUFFIXES - {".h5", ".hdf5", ".he5", ".hdf", ".nc"})),
       content=st.binary(max_size=400))  # fmt: skip
def test_rubbish_under_any_name_is_refused_or_nothing(suffix, content, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"rubbish{suffix}"
    path.write_bytes(content)
    try:
        assert isinstance(recognise(path), list)
    except EoError as error:
        assert error.fr and error.en


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["data", "features", "properties", "geometry", "coordinates", "code_station",
             "longitude_station", "latitude_station", "grandeur_hydro_elab", "resultat_obs_elab",
             "date_obs_elab", "code_qualification", "code_national_catnat", "code_insee",
             "date_debut_evt", "date_fin_evt", "libelle_risque_jo"]
        ),
        inner, max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


@QUICK
@given(value=VALUES)
def test_any_json_is_an_answer_or_refused(value, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    for read in (catnat.read, gauges.read):
        with pytest.raises(EoError) as caught:
            read(Held([path]), TOWN)
        assert caught.value.fr and caught.value.en


def test_nested_beyond_measure_is_refused(tmp_path):
    path = tmp_path / "deep.json"
    path.write_text("[" * 200_000)
    for read in (catnat.read, gauges.read):
        with pytest.raises(InvalidInput, match="deep"):
            read(Held([path]), TOWN)


def test_broken_hdf5_never_hangs_a_scan(seeds, tmp_path):
    """A process of its own looks; where it goes round in circles it is ended."""
    whole = next(path for name, path in seeds.items() if name.endswith(".h5"))
    guard = Guard(patience=1.5)
    try:
        assert guard.look(whole)[0]["dataset"] == "vnp46a3"
        refused = 0
        for seed in range(60):
            path = tmp_path / whole.name
            path.write_bytes(broken(whole.read_bytes(), random.Random(seed)))
            try:
                assert isinstance(guard.look(path), list)
            except InvalidInput:
                refused += 1
        assert refused > 10
        assert guard.look(whole)[0]["dataset"] == "vnp46a3"
    finally:
        guard._end()


def test_the_library_s_reason_is_told_without_its_folder(tmp_path):
    path = tmp_path / "carte.gpkg"
    with pytest.raises(InvalidInput) as caught, reading(path):
        raise RuntimeError(f"cannot open {path}: no such table\nmore")
    assert "no such table" in caught.value.fr and str(tmp_path) not in caught.value.fr
    assert isinstance(caught.value.__cause__, RuntimeError)
