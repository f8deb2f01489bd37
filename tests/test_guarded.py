"""A theme's reader opens an HDF5 file only after a process of its own stood it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lighting_tiles import write_tile

from eo_helpers.catalog import guarded
from eo_helpers.catalog.guarded import Defeated, Guard, once
from eo_helpers.errors import InvalidInput
from eo_helpers.lighting._hdfeos import open_tile


class Watched(Guard):
    """A guard that counts, and to which some files are as a hang of the library."""

    def __init__(self) -> None:
        super().__init__()
        self.looked: list[str] = []
        self.hangs: set[str] = set()

    def look(self, path: Path):
        self.looked.append(path.name)
        if path.name in self.hangs:
            raise Defeated("abîmé", "damaged")
        return super().look(path)


@pytest.fixture
def guard(monkeypatch, tmp_path):
    guard = Watched()
    monkeypatch.setattr(guarded, "_guard", guard)
    monkeypatch.setattr(guarded, "_known", {})
    monkeypatch.setenv("EO_HELPERS_CACHE", str(tmp_path / "cache"))
    yield guard
    guard._end()


def test_a_file_is_looked_at_once_until_it_changes(guard, tmp_path, monkeypatch):
    path = write_tile(tmp_path, "2022-01", 5.0)
    for _ in range(3):
        with open_tile(path) as tile:
            assert tile.product == "VNP46A3"
    assert guard.looked == [path.name]
    # Another process knows it from the cache.
    monkeypatch.setattr(guarded, "_known", {})
    once(path)
    assert guard.looked == [path.name]
    os.utime(path, ns=(1, 1))
    once(path)
    assert guard.looked == [path.name] * 2


def test_a_file_that_hangs_the_library_is_refused_and_not_tried_again(guard, tmp_path):
    path = write_tile(tmp_path, "2022-01", 5.0)
    guard.hangs.add(path.name)
    for _ in range(2):
        with pytest.raises(Defeated, match="abîmé"), open_tile(path):
            raise AssertionError("opened")
    assert guard.looked == [path.name]


def test_a_process_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    path = write_tile(tmp_path, "2022-01", 5.0)
    guard = Guard(patience=0.5)
    guard._starting = 60.0
    try:
        guard.look(path)
        child = guard._child
        # It is stopped, as a library that goes round in circles is: no answer comes.
        os.kill(child.pid, 19)
        with pytest.raises(Defeated, match="HDF5"):
            guard.look(path)
        assert child.poll() is not None
        assert guard.look(path)[0]["dataset"] == "vnp46a3"  # by a new one
    finally:
        guard._end()


def test_other_trouble_is_left_to_the_reader_s_own_words(guard, tmp_path):
    path = tmp_path / "VNP46A3.A2022001.h18v04.002.h5"
    path.write_bytes(b"no HDF5")
    with pytest.raises(InvalidInput, match="tronqué ou qui n'est pas du HDF5"), open_tile(path):
        raise AssertionError("opened")
    with pytest.raises(InvalidInput), open_tile(tmp_path / "absent.h5"):
        raise AssertionError("opened")
