"""A real switch-off: typhoon Haiyan cut the power of Leyte on 8 November 2013.

Daily VNP46A2 radiance at four towns and two dark places, with real cloud gaps.
"""

from __future__ import annotations

import pandas as pd
import pytest

from eo_helpers.lighting.table import assess_table

CUT = "2013-11-08"
TOWNS = ("Tacloban_City", "Ormoc_City", "Baybay_City", "Alang_Alang")
DARK = ("Samar_Forest_Reserve", "Mt_Nacolod_Upland")


@pytest.fixture(scope="module")
def table(shared_data) -> pd.DataFrame:
    path = shared_data / "lighting" / "haiyan_2013" / "vnp46a2_poi_daily_2013.csv"
    if not path.exists():
        pytest.skip(f"no real VNP46A2 series at {path}")
    frame = pd.read_csv(path, parse_dates=["date"])
    return frame.assign(id=frame["location"] + " " + frame["extent"])


@pytest.fixture(scope="module")
def measured(table):
    return assess_table(table.rename(columns={"DNB_mean": "radiance"})[["id", "date", "radiance"]])


@pytest.fixture(scope="module")
def filled(table):
    return assess_table(table.rename(columns={"Gap_mean": "radiance"})[["id", "date", "radiance"]])


def largest_fall(assessment):
    falls = [e for e in assessment.to_dict()["events"] if e["kind"] == "fall"]
    return min(falls, key=lambda e: e["change_percent"]) if falls else None


@pytest.mark.parametrize("town", TOWNS)
@pytest.mark.parametrize("extent", ["1x1", "3x3", "5x5"])
def test_towns_went_dark_and_the_interval_holds_the_day(measured, town, extent):
    fall = largest_fall(measured[f"{town} {extent}"])
    assert fall is not None
    assert fall["date_low"] <= CUT <= fall["date_high"]
    # Clouds hid most nights of that fortnight: no method can date it to the day.
    assert abs((pd.Timestamp(fall["date"]) - pd.Timestamp(CUT)).days) <= 10
    assert fall["change_percent"] < -50


@pytest.mark.parametrize("place", DARK)
@pytest.mark.parametrize("extent", ["1x1", "3x3", "5x5"])
def test_dark_places_have_no_switch_off(measured, place, extent):
    found = measured[f"{place} {extent}"]
    assert largest_fall(found) is None
    assert found.classification.practice in ("indetermine", "pas_de_changement")


def test_what_was_filled_misleads(measured, filled):
    """Gap-filled values are surer and less right: intervals that leave the day out."""
    wrong = []
    for town in TOWNS:
        for extent in ("1x1", "3x3", "5x5"):
            fall = largest_fall(filled[f"{town} {extent}"])
            if fall is None or not fall["date_low"] <= CUT <= fall["date_high"]:
                wrong.append((town, extent))
    assert len(wrong) >= 9
    valid = [a.changes.valid for a in measured.values()]
    assert max(valid) < 150 < 350 < min(a.changes.valid for a in filled.values())
