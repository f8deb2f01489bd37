"""Both ways of producing LCZ: against the truth of the demonstration, and on real places.

Run: ``python -m benchmarks.lcz_production [--json] [--maps FOLDER] [--data FOLDER]``. About
two minutes on two cores.

The demonstration (``docs/demonstration.md``):

* *from buildings and land cover*: blocks made from BD TOPO, each rule against the true map
  by polygon overlay. Intervals: bootstrap of 1 km squares. Nothing is learnt from the
  truth, but the truth's blocks lie between the same streets: an upper bound.
* *from Sentinel-2 with training areas*: cross-validation on the areas (groups: areas and
  1 km squares), and, which is harder, the **map** against the truth: squares of 2 km in five
  folds, every fold predicted by a forest that saw no training area within it or across its
  border, compared at pixel centres; intervals from a bootstrap of the squares.

Real places have no truth: Olemps (BD TOPO) and a quarter of Vannes (OpenStreetMap) tell
times, classes, reasons and how far the two rules disagree. ``--data`` is the folder of
real data (else the variable EO_SHARED_DATA); without it they are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from eo_helpers import demo
from eo_helpers.lcz import compare
from eo_helpers.lcz.files import read_layer
from eo_helpers.lcz.production import accuracy, wudapt
from eo_helpers.lcz.production.files import open_image, open_layers
from eo_helpers.lcz.production.produce import produce, summary
from eo_helpers.lcz.schema import CLASSES, CODES, index_from_codes

#: Pixel of the map from the image, m (five of Sentinel-2's).
CELL = 5
SQUARE_M = 2000.0
FOLDS = 5


def rounded(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    return {
        str(k): {c: round(float(v), 3) for c, v in row.items()}
        for k, row in table[["value", "low", "high"]].to_dict(orient="index").items()
    }


def truth_of(folder: Path, layer: str) -> gpd.GeoDataFrame:
    table = gpd.read_file(folder / "truth" / "lcz_blocks.gpkg", layer=layer)
    return table.assign(lcz=table["lcz"].where(table["lcz"] != "", None))


def from_buildings(folder: Path, topo: str, layer: str, insee: list[str]) -> dict[str, Any]:
    """Cerema's rule and Stewart & Oke's ranges on BD TOPO, against the truth."""
    truth = truth_of(folder, layer)
    communes = gpd.read_parquet(folder / "communes.parquet")
    zone = communes[communes["insee"].isin(insee)]
    layers = open_layers({}, next((folder / "topo").glob(topo)))
    start = time.perf_counter()
    made = produce(
        layers["buildings"],
        layers["vegetation"],
        layers["water"],
        zone,
        layers["roads"],
        crs=truth.crs,
    )
    seconds = time.perf_counter() - start
    built = truth[truth["lcz"].isin([c for c in CODES if c.isdigit()])]
    out: dict[str, Any] = {
        "km2": round(float(made.area.sum()) / 1e6, 1),
        "units": len(made),
        "seconds": round(seconds, 1),
        "disagreement_of_the_rules_percent": round(summary(made)["disagreement_percent"], 1),
    }
    for name, column in (("cerema_rule", "lcz_cerema"), ("stewart_oke", "lcz_so")):
        mapped = made.assign(lcz=made[column])
        for suffix, reference in (("", truth), ("_where_truth_is_built", built)):
            pieces = compare.overlay(mapped, reference)
            interval = compare.blocked_interval(pieces)
            out[f"{name}{suffix}"] = rounded(interval) | {"squares": interval.attrs["blocks"]}
    # Does the unsureness that the map tells of itself mean something?
    pieces = compare.overlay(made.assign(lcz=made["lcz_cerema"]), truth)
    spots = gpd.GeoDataFrame(
        pieces[["agree", "area_ha"]],
        geometry=shapely.point_on_surface(pieces.geometry.to_numpy()),
        crs=pieces.crs,
    )
    joined = gpd.sjoin(spots, made[["cerema_sure", "rules_agree", "geometry"]])
    for column in ("cerema_sure", "rules_agree"):
        for flag in (True, False):
            part = joined[joined[column].fillna(False).astype(bool) == flag]
            share = float((part["agree"] * part["area_ha"]).sum() / part["area_ha"].sum())
            out[f"right_where_{column}_is_{str(flag).lower()}"] = round(share, 3)
    return out


def from_image(folder: Path, trees: int, repeats: int) -> dict[str, Any]:
    """WUDAPT protocol: cross-validated on the areas, and the blocked map against the truth."""
    truth = truth_of(folder, "ervelle")
    image = open_image(next((folder / "optical").glob("*.tif")))
    areas = gpd.read_file(folder / "optical" / "lcz_training_areas.gpkg").to_crs(image.rio.crs)
    start = time.perf_counter()
    stack = wudapt.features(image, cell=CELL)
    known = wudapt.sample(stack, areas)
    quality = accuracy.evaluate(known, repeats=repeats, trees=trees)
    out: dict[str, Any] = {
        "areas": len(areas),
        "cross_validation": rounded(quality.overall)
        | {"groups": quality.groups, "repeats": quality.repeats, "block_m": quality.block_m},
        "by_class": {
            code: {
                "f1": None if np.isnan(row["f1"]) else round(float(row["f1"]), 2),
                "support": int(row["support"]),
                "areas": int(row["areas"]),
            }
            for code, row in quality.by_class.to_dict(orient="index").items()
        },
        "notes": [note["en"] for note in quality.notes],
    }
    out["map_against_truth"] = _blocked_map(stack, areas, truth, trees)
    out["seconds"] = round(time.perf_counter() - start, 1)
    return out


def _blocked_map(
    stack: Any, areas: gpd.GeoDataFrame, truth: gpd.GeoDataFrame, trees: int
) -> dict[str, Any]:
    x, y = np.meshgrid(stack["x"].to_numpy(), stack["y"].to_numpy())
    square = np.stack([np.floor(x / SQUARE_M), np.floor(y / SQUARE_M)], axis=-1).astype(int)
    names, square_id = np.unique(square.reshape(-1, 2), axis=0, return_inverse=True)
    square_id = square_id.reshape(x.shape)
    # Which fold a square is in: drawn once, by a seed that nothing was tuned with.
    fold_of = np.random.default_rng(20_261).permutation(len(names)) % FOLDS
    boxes = shapely.box(*(names * SQUARE_M).T, *((names + 1) * SQUARE_M).T)
    mapped = np.zeros(x.shape, dtype=int)
    for fold in range(FOLDS):
        held = shapely.union_all(boxes[fold_of == fold])
        learn = areas[~shapely.intersects(areas.geometry.to_numpy(), held)]
        forest = wudapt.train(wudapt.sample(stack, learn), trees, seed=fold)
        code = wudapt.post_filter(wudapt.predict(forest, stack))["lcz"].to_numpy()
        here = fold_of[square_id] == fold
        mapped[here] = code[here]
    there = truth.to_crs(stack.rio.crs)
    point, polygon = shapely.STRtree(there.geometry.to_numpy()).query(
        shapely.points(x.ravel(), y.ravel()), predicate="within"
    )
    true = np.full(x.size, -1)
    true[point] = index_from_codes(there["lcz"])[polygon]
    both = (true >= 0) & (mapped.ravel() > 0)
    size = len(CODES)
    cell = (square_id.ravel()[both] * size + true[both]) * size + mapped.ravel()[both] - 1
    by_square = np.bincount(cell, minlength=len(names) * size**2).reshape(len(names), -1)
    by_square = by_square[by_square.sum(axis=1) > 0]
    times = np.random.default_rng(0).multinomial(
        len(by_square), np.full(len(by_square), 1 / len(by_square)), size=1000
    )
    labels = list(CODES)

    def measures(flat: np.ndarray) -> pd.Series:
        return accuracy.metrics(pd.DataFrame(flat.reshape(size, size), labels, labels))

    draws = pd.DataFrame([measures(t @ by_square) for t in times])
    table = pd.DataFrame(
        {
            "value": measures(by_square.sum(axis=0)),
            "low": draws.quantile(0.025),
            "high": draws.quantile(0.975),
        }
    )
    return rounded(table) | {"pixels": int(both.sum()), "squares": len(by_square)}


def on_real_places(folder: Path, maps: Path | None) -> dict[str, Any]:
    """Olemps from BD TOPO, a quarter of Vannes from OpenStreetMap."""
    olemps = folder / "lcz" / "bdtopo_olemps_12174"
    vannes = folder / "lcz" / "vannes_osm"
    places = {
        "olemps_bdtopo": [olemps / f"{n}.shp" for n in
                          ("BATIMENT", "ZONE_DE_VEGETATION", "SURFACE_HYDROGRAPHIQUE", "COMMUNE")],
        "vannes_osm": [vannes / f"{n}.geojson" for n in ("BUILDING", "VEGET", "HYDRO", "ZONE")],
    }  # fmt: skip
    out = {}
    for name, paths in places.items():
        start = time.perf_counter()
        made = produce(*(read_layer(path) for path in paths), crs=2154)
        told = summary(made)
        out[name] = {
            "seconds": round(time.perf_counter() - start, 1),
            "units": told["units"],
            "area_ha": round(told["area_ha"], 1),
            "cerema_percent": {k: round(v, 1) for k, v in told["cerema_percent"].items()},
            "stewart_oke_percent": {k: round(v, 1) for k, v in told["so_percent"].items()},
            "disagreement_percent": round(told["disagreement_percent"], 1),
            "disagreement_pairs": {k: round(v, 1) for k, v in told["disagreement_pairs"].items()},
            "sure_percent": round(told["sure_percent"], 1),
            "estimated_ground_percent": round(told["estimated_percent"], 1),
            "unclassed": told["unclassed"],
            "heights_percent": {k: round(v, 1) for k, v in told["heights_percent"].items()},
        }
        if maps is not None:
            draw(made, maps / f"{name}.png")
    return out


def draw(made: gpd.GeoDataFrame, path: Path) -> None:
    """The two rules side by side in official colours, and where they disagree."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(24, 9), layout="constrained")
    for axis, column in zip(axes, ("lcz_cerema", "lcz_so"), strict=False):
        colors = [CLASSES[c].color if isinstance(c, str) else "#ffffff" for c in made[column]]
        made.plot(ax=axis, color=colors, edgecolor="#00000030", linewidth=0.3)
        axis.set_title(column)
        for code in sorted(set(made[column].dropna())):
            axis.scatter([], [], color=CLASSES[code].color, label=code, marker="s")
        axis.legend(loc="lower left", ncols=2)
    agree = made["rules_agree"].map({True: "#d9d9d9", False: "#d95f0e"}).fillna("#ffffff")
    made.plot(ax=axes[2], color=list(agree), edgecolor="#00000030", linewidth=0.3)
    axes[2].set_title("rules disagree (orange)")
    for axis in axes:
        axis.set_axis_off()
    figure.savefig(path, dpi=70)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--maps", type=Path, help="folder for PNG maps of the real places")
    parser.add_argument("--data", type=Path, default=os.environ.get("EO_SHARED_DATA"))
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    folder = Path(str(demo.ensure()))
    mainland = [f"9900{n}" for n in range(1, 6)]
    out: dict[str, Any] = {
        "buildings_mainland": from_buildings(folder, "*ERVELLE.gpkg", "ervelle", mainland),
        "buildings_island": from_buildings(folder, "*VERMEIL.gpkg", "vermeil", ["97199"]),
        "image": from_image(folder, asked.trees, asked.repeats),
    }
    if asked.data is not None:
        out |= on_real_places(Path(asked.data), asked.maps)
    print(json.dumps(out, ensure_ascii=False) if asked.json else _text(out))


def _text(value: Any, indent: int = 0) -> str:
    lines = []
    for key, inner in value.items():
        simple = not isinstance(inner, dict) or not any(isinstance(v, dict) for v in inner.values())
        shown = json.dumps(inner, ensure_ascii=False) if simple else ""
        lines.append(f"{' ' * indent}{key}: {shown}".rstrip())
        if not simple:
            lines.append(_text(inner, indent + 2))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
