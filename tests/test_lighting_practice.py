"""From events to Cerema's classes, the command and the words on the demonstration."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from eo_helpers.errors import InvalidInput
from eo_helpers.lighting import practice
from eo_helpers.lighting.changes import assess, regular_axis
from eo_helpers.lighting.commands import group
from eo_helpers.lighting.practice import classify, smallest_detectable_fall
from eo_helpers.lighting.table import assess_table, read_table
from eo_helpers.timeseries.breaks import Break, Changes

DATES = pd.date_range("2014-01-01", periods=132, freq="MS")


def fall(change, index=60, before=5.0, probability=0.99, width=6.0):
    after = before * (1 + change / 100)
    return Break(index, index - 1, index + 1, change, change - width, change + width,
                 probability, before, after)  # fmt: skip


def changes(*breaks, noise=0.1, level=4.0, p_none=0.01, valid=120):
    series = np.full(132, level)
    return Changes(breaks, None, p_none, 1 - p_none, 0.0, 0.0, valid, np.zeros(0, int),
                   series, series, series, noise, 0.3)  # fmt: skip


def test_rules_in_their_order():
    assert classify(None).practice == "indetermine"
    assert classify(changes(fall(-60))).practice == "extinction_totale"
    assert classify(changes(fall(-25))).practice == "extinction_partielle_ou_renovation"
    assert classify(changes(fall(-8))).practice == "pas_de_changement"
    assert classify(changes(fall(40))).practice == "pas_de_changement"
    # A renovation, then a switch-off: together they are a total one.
    both = classify(changes(fall(-25, 30), fall(-30, 90, before=3.75)))
    assert both.practice == "extinction_totale" and len(both.events) == 2
    lit = classify(changes(fall(-60, 30), fall(130, 80, before=2.0)))
    assert lit.practice == "rallumage"
    # A little more light later is no lighting again.
    assert (
        classify(changes(fall(-60, 30), fall(20, 80, before=2.0))).practice == "extinction_totale"
    )
    # Lit again and switched off once more: what is left counts.
    again = classify(changes(fall(-60, 20), fall(150, 60, before=2.0), fall(-60, 100)))
    assert again.practice == "extinction_totale"


def test_what_cannot_be_told_is_said():
    dark = classify(changes(level=0.2, p_none=0.9))
    assert (dark.practice, dark.reason) == ("indetermine", "dark")
    assert not classify(changes(fall(-60, before=0.25), level=0.2)).events
    noisy = classify(changes(noise=1.5, p_none=0.9))
    assert (noisy.practice, noisy.reason) == ("indetermine", "noisy")


@given(st.floats(-95, -16), st.floats(0.5, 15), st.floats(0.35, 1.0))
def test_confidence_is_one_half_at_the_limit_and_grows_away_from_it(change, width, probability):
    found = classify(changes(fall(change, width=width, probability=probability)))
    assert 0.5 * probability - 1e-9 <= found.confidence <= probability <= 1
    total = change <= -practice.TOTAL_FALL
    assert (found.practice == "extinction_totale") == total
    away = abs(np.log1p(change / 100) - np.log1p(-practice.TOTAL_FALL / 100))
    if away > 0.5 and width < 3:
        assert found.size_sure > 0.95


def test_near_the_limit_confidence_is_low():
    for change in (-36, -40):
        assert classify(changes(fall(change))).confidence < 0.75
    assert classify(changes(fall(-70))).confidence > 0.97


def test_the_smallest_visible_fall_grows_with_noise():
    falls = [smallest_detectable_fall(changes(noise=n), 4.0) for n in (0.05, 0.1, 0.2, 0.4)]
    assert falls == sorted(falls) and 3 < falls[0] < 30
    assert smallest_detectable_fall(changes(valid=40), 4.0) > falls[1]


def write_csv(path: Path, **extra) -> Path:
    rng = np.random.default_rng(5)
    rows = []
    for name, at in (("35001", 100), ("2A004", None)):
        level = np.where(np.arange(132) < (at or 999), 6.0, 2.0)
        for d, v in zip(DATES, level * np.exp(0.08 * rng.standard_normal(132)), strict=True):
            rows.append({"id": name, "date": f"{d:%Y-%m}", "radiance": round(v, 3), **extra})
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_detect_gives_the_documented_json(tmp_path):
    done = CliRunner().invoke(
        group, ["detect", str(write_csv(tmp_path / "s.csv")), "-o", str(tmp_path / "out.json")]
    )
    assert done.exit_code == 0, done.output
    out = json.loads((tmp_path / "out.json").read_text())
    assert [row["id"] for row in out] == ["35001", "2A004"]
    first = out[0]
    assert {"id", "practice", "confidence", "trend_percent_per_year", "events"} <= set(first)
    assert first["practice"] == "extinction_totale" and out[1]["practice"] == "pas_de_changement"
    event = first["events"][0]
    assert event["date"] == "2022-05" and event["date_low"] <= "2022-05" <= event["date_high"]
    assert event["kind"] == "fall" and event["change_percent"] == pytest.approx(-66, abs=5)
    assert 0 <= event["probability"] <= 1 and out[1]["events"] == []


def test_nights_and_std_weigh_and_no_night_is_a_gap(tmp_path):
    path = write_csv(tmp_path / "s.csv", std=0.5, nights=8)
    table = read_table(path)
    assert table["radiance"].notna().all()
    table = pd.read_csv(path, dtype={"id": str})
    table.loc[:9, "nights"] = 0
    table.to_csv(path, index=False)
    assert read_table(path)["radiance"].isna().sum() == 10
    found = assess_table(read_table(path))
    assert found["35001"].changes.valid == 122


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("date,radiance\n2022-01,1\n", "id"),
        ("id,date,radiance\na,yesterday,1\n", "ligne 2"),
        ("id,date,radiance\na,2022-01,65535\n", "mesure"),
        ("id,date,radiance\na,2022-01,1\na,2022-01,2\n", "deux valeurs"),
        ("id,date,radiance\n", "aucune ligne"),
        ("", "CSV"),
    ],
)
def test_tables_that_cannot_be_are_said(tmp_path, text, word):
    path = tmp_path / "s.csv"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=word) as error:
        read_table(path)
    assert error.value.en
    with pytest.raises(InvalidInput, match="existe"):
        read_table(tmp_path / "none.csv")


def test_french_tables_and_short_series(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("id;date;radiance\n01004;2022-01-01;1,5\n01004;2022-03-01;\n")
    found = assess_table(read_table(path))
    assert list(found) == ["01004"]
    told = found["01004"].to_dict()
    assert told["practice"] == "indetermine" and told["trend_percent_per_year"] is None


def test_axes_have_no_holes():
    months, step = regular_axis(pd.DatetimeIndex(["2022-01-15", "2022-04-01"]))
    assert step == "month" and len(months) == 4
    days, step = regular_axis(pd.DatetimeIndex(["2022-01-01", "2022-01-05"]))
    assert step == "day" and len(days) == 5


def test_the_demonstration_is_told_as_it_is(demo_source, demo_dir):
    """A check that nothing is broken, not a measure of skill: it is easier than the world."""
    from eo_helpers import catalog
    from eo_helpers.lighting.finding import analyse

    truth = json.loads((demo_dir / "truth" / "lighting.json").read_text())
    index = catalog.communes(demo_source)
    for insee in ("99003", "99004", "99005"):
        finding = analyse(index.get(insee), demo_source)
        values = {i.name: i for i in finding.indicators}
        assert values["practice"].value == truth[insee]["practice"], insee
        for name, indicator in values.items():
            assert "–" not in indicator.label["fr"], name
            if indicator.unit == "%" and "change" not in name:
                assert 0 <= indicator.value <= 100, name
        if "switch_off_date" in values:
            month = min(e["month"] for e in truth[insee]["events"])
            assert values["switch_off_date_low"].value <= month[:7]
            assert values["switch_off_date_high"].value >= month[:7]
    assert assess(DATES, "month", np.full((1, 132), np.nan))[0].changes is None
