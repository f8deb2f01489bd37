"""What a national lighting run writes: a row a commune."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..lighting import sentences
from ..lighting.changes import Assessment
from ..lighting.finding import DATASET
from .publish import COMMON, Told, publish

__all__ = ["commune_row", "write_result"]

#: What the columns are, for whoever opens the file.
COLUMNS = {
    **{name: COMMON[name] for name in ("insee", "name", "departement", "population")},
    "practice": "lighting practice (Cerema's classes)",
    "confidence": "0-1",
    "date": "first month after the main change",
    "date_low": "95 % interval of that date",
    "date_high": "95 % interval of that date",
    "change_percent": "change of radiance around 01:30, %",
    "change_low": "95 % interval, %",
    "change_high": "95 % interval, %",
    "probability": "probability of the main change, 0-1",
    "neighbours_share": "share of the fall that comes from light of neighbours, 0-1",
    "radiance_before": "nW·cm⁻²·sr⁻¹",
    "radiance_after": "nW·cm⁻²·sr⁻¹",
    "radiance_recent": "mean of the last 12 months measured, nW·cm⁻²·sr⁻¹",
    "trend_percent_per_year": "trend apart from sudden changes, %/year",
    "trend_low": "95 % interval",
    "trend_high": "95 % interval",
    "events": "all events, JSON as `eo-helpers lighting detect` writes them",
    "months_valid": "months measured",
    "months_gap_filled": "months filled by NASA, left out",
    "months_missing": "months without a file",
    "months": "months from the first to the last",
    "headline": "one sentence, French",
    "headline_en": "the same in English",
    **{name: COMMON[name] for name in ("demonstration", "geometry")},
}


class _Named:
    """All that a headline needs of a commune."""

    def __init__(self, name: str) -> None:
        self.name = name


def commune_row(
    insee: str,
    name: str,
    found: Assessment,
    values: dict[str, NDArray[np.float64]],
    has_file: NDArray[np.bool_],
) -> dict[str, Any]:
    """One commune as the national table has it: the figures of its own Finding."""
    told = found.to_dict()
    main = sentences.main_event(found)
    radiance = values["radiance"]
    seen = radiance[np.isfinite(radiance)]
    frame = pd.DataFrame(index=found.dates)
    headline = sentences.headline(_Named(name), found, frame)  # type: ignore[arg-type]
    return {
        "insee": insee,
        "practice": told["practice"],
        "confidence": told["confidence"],
        "date": found.date(main.index) if main else None,
        "date_low": found.date(main.index_low) if main else None,
        "date_high": found.date(main.index_high) if main else None,
        "change_percent": round(main.change_percent, 1) if main else np.nan,
        "change_low": round(main.change_low, 1) if main else np.nan,
        "change_high": round(main.change_high, 1) if main else np.nan,
        "probability": round(main.probability, 3) if main else np.nan,
        "neighbours_share": _number(found.classification.neighbours),
        "radiance_before": round(main.before, 3) if main else np.nan,
        "radiance_after": round(main.after, 3) if main else np.nan,
        "radiance_recent": round(float(seen[-12:].mean()), 3) if seen.size else np.nan,
        "trend_percent_per_year": _number(told["trend_percent_per_year"]),
        "trend_low": _number(told["trend_low"]),
        "trend_high": _number(told["trend_high"]),
        "events": json.dumps(told["events"], ensure_ascii=False),
        "months_valid": int(seen.size),
        "months_gap_filled": int((~np.isfinite(radiance) & (values["filled_share"] > 0.5)).sum()),
        "months_missing": int((~has_file).sum()),
        "months": int(radiance.size),
        "headline": headline["fr"],
        "headline_en": headline["en"],
    }


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def write_result(
    output: Path,
    communes: Any,
    table: pd.DataFrame,
    options: Any,
    demonstration: bool,
    dates: list[str],
    left_out: list[str],
    failed: list[dict[str, str]],
) -> dict[str, Any]:
    """Write the table of the country (:func:`.publish.publish`) and say what is in it."""
    merged = communes.merge(table, on="insee", how="inner")
    practices = {str(k): int(v) for k, v in merged["practice"].value_counts().items()}
    last = np.datetime64(dates[-1], "M") + 1
    end = dt.datetime.fromisoformat(f"{last}-01").replace(tzinfo=dt.UTC) - dt.timedelta(seconds=1)
    publish(
        output,
        merged,
        Told(
            dataset="lighting-communes",
            reads=DATASET,
            title="Éclairage nocturne des communes",
            columns=COLUMNS,
            start=dt.datetime.fromisoformat(f"{dates[0]}-01").replace(tzinfo=dt.UTC),
            end=end,
            parameters=vars(options),
            demonstration=demonstration,
            more={
                "months": len(dates),
                "left_out": left_out,
                "failed": failed,
                "practices": practices,
            },
        ),
    )
    return {
        "communes": len(merged),
        "without_data": len(communes) - len(merged),
        "months": len(dates),
        "left_out": left_out,
        "failed": failed,
        "practices": practices,
    }
