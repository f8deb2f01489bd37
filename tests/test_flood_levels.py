"""SWOT's levels hold a flood's surface where they agree with it, on the day of its image."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from test_flood_data import swot_raster

from eo_helpers import catalog
from eo_helpers.errors import InvalidInput, NoData
from eo_helpers.flood import levels
from eo_helpers.flood.levels import check_offset, hold, indicators

DAY = "2024-01-15T17:48:20Z"


def water(level: float, sigma: float = 0.1) -> xr.Dataset:
    """A surface over the whole of :func:`swot_raster`'s cells."""
    n = 150
    x, y = 500_000 + 20 * (np.arange(n) + 0.5), 5_002_000 - 20 * (np.arange(n) + 0.5)
    surface = xr.DataArray(np.full((n, n), level, "f4"), {"y": y, "x": x}, ("y", "x"))
    found = xr.Dataset({"surface": surface, "uncertainty": surface * 0 + sigma})
    return found.rio.write_crs(32631)


@pytest.fixture
def swot(tmp_path, monkeypatch):
    """Puts SWOT files of given days into a data set; tells what the surface was held with."""
    asked: list[dict] = []

    def put(*days: tuple[str | None, float], dataset: str = "swot-raster") -> list[dict]:
        paths, items = [], []
        for k, (day, level) in enumerate(days):
            paths.append(swot_raster(tmp_path / f"{k}.nc", level=level))
            when = None if day is None else datetime.fromisoformat(day).replace(tzinfo=UTC)
            items.append(SimpleNamespace(datetime=when))
        holding = SimpleNamespace(paths=paths, items=items, provenance=dataset)

        def find(name, commune, source):
            if name != dataset:
                raise NoData("rien", "nothing")
            return holding

        monkeypatch.setattr(catalog, "find", find)
        return asked

    return put


def held(free: xr.Dataset, asked: list[dict], **options):
    def again(**given):
        asked.append(given)
        return free.assign(surface=free["surface"] + 0.05)

    return hold(None, None, DAY, free, again, **options)


def test_levels_of_the_day_hold_the_shape_with_the_median_for_offset(swot):
    asked = swot(("2024-01-14", 50.0), ("2024-01-15", 42.0))
    free = water(42.3)
    found, told = held(free, asked)
    assert told.used and told.dataset == "swot-raster" and told.provenance == "swot-raster"
    assert told.offset == pytest.approx(0.3, abs=1e-3)
    (given_,) = asked
    assert given_["datum_offset"] == told.offset
    assert float(given_["swot"].wse.median()) == 42.0  # the pass of the flood's day
    assert float(found.surface.median()) == pytest.approx(42.35, abs=1e-3)
    assert "pas sa cote" in told.note["fr"] and "5 cm" in told.note["fr"]
    (shown,) = indicators(told, DAY[:10])
    assert shown.value == pytest.approx(0.3, abs=1e-3) and "employés" in shown.label["fr"]


def test_an_offset_that_is_given_is_the_one_that_is_used(swot):
    asked = swot(("2024-01-15", 42.0))
    _, told = held(water(42.3), asked, datum_offset=0.22)
    assert asked[0]["datum_offset"] == told.offset == 0.22
    assert told.agreement.median == pytest.approx(0.08, abs=1e-3)
    assert "raccorder" not in told.note["fr"] and "0,22 m" in told.note["fr"]


def test_a_pass_of_another_day_is_no_level_of_this_flood(swot):
    asked = swot(("2024-01-14", 42.0), ("2024-01-16", 42.0))
    free = water(42.3)
    found, told = held(free, asked)
    assert found is free and told is None and asked == [] and indicators(told, None) == []


@pytest.mark.parametrize("level", [40.0, 46.0])
def test_levels_beyond_two_datums_are_told_and_not_used(swot, level):
    asked = swot(("2024-01-15", level))
    free = water(43.0)
    found, told = held(free, asked)
    assert found is free and not told.used and told.offset == 0 and asked == []
    assert "ne servent pas" in told.note["fr"].replace("\u202f", " ")
    (shown,) = indicators(told, None)
    assert "non employés" in shown.label["fr"]


def test_levels_that_scatter_are_told_and_not_used(swot):
    asked = swot(("2024-01-15", 42.0))
    free = water(42.0)
    # The surface found leans by 1.8 m across the lake; SWOT's is level.
    free["surface"].values[:] = 42 + np.linspace(-0.9, 0.9, 150)
    found, told = held(free, asked)
    assert found is free and not told.used and asked == [] and "dispersent" in told.note["fr"]


def test_few_levels_are_told_and_not_used(swot):
    asked = swot(("2024-01-15", 42.0))
    free = water(42.0)
    free["surface"].values[:, 10:] = np.nan
    free["surface"].values[20:] = np.nan
    found, told = held(free, asked)
    assert 0 < told.agreement.points < levels.LEAST
    assert found is free and not told.used and asked == []


def test_levels_beside_the_water_are_none(swot):
    asked = swot(("2024-01-15", 42.0))
    free = water(42.0)
    free["surface"].values[:] = np.nan
    assert held(free, asked) == (free, None)


@given(st.floats(-200, 200))
def test_any_number_of_metres_is_an_offset(offset):
    assert check_offset(offset) == offset


@given(st.one_of(st.text(), st.booleans(), st.floats(min_value=200.001), st.just(float("nan"))))
def test_what_is_no_offset_is_refused(offset):
    with pytest.raises(InvalidInput, match="mètres"):
        check_offset(offset)
    assert check_offset(None) is None
