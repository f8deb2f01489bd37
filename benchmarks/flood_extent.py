"""Extent of water against labels, beside global Otsu in the same run.

``python -m benchmarks.flood_extent [--maps FOLDER]``. The real scene is read from
``EO_SHARED_DATA``; its labels score and fit nothing. Simulated scenes have seeds that no
choice was made on (:mod:`.flood_scenes`).
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import rioxarray
from scipy import ndimage

from eo_helpers import demo
from eo_helpers.flood.extent import water_extent
from eo_helpers.flood.threshold import otsu

from .flood_scenes import hard_optical, optical, results

EVALUATION = range(1000, 1008)


def scores(found: np.ndarray, truth: np.ndarray) -> str:
    both = float((found & truth).sum())
    iou, precision, recall = both / (found | truth).sum(), both / found.sum(), both / truth.sum()
    return f"IoU {iou:.3f}  precision {precision:.3f}  recall {recall:.3f}"


def reliability(p: np.ndarray, truth: np.ndarray) -> None:
    """Share of water in each class of probability, with the Brier score and mean gap."""
    gap = 0.0
    cells = []
    for low in np.arange(0, 1, 0.1):
        chosen = (p >= low) & (p < low + 0.1 if low < 0.85 else p <= 1)
        if chosen.sum() < 50:
            continue
        mean, share = float(p[chosen].mean()), float(truth[chosen].mean())
        gap += abs(mean - share) * chosen.sum() / p.size
        cells.append(f"    {mean:.2f} -> {share:.2f}  ({chosen.sum()} pixels)")
    print("\n".join(cells))
    print(f"    Brier {np.mean((p - truth) ** 2):.3f}, mean gap {gap:.3f}")


def spain(folder: Path, maps: Path | None) -> None:
    s1 = rioxarray.open_rasterio(folder / "S1Hand.tif", masked=True)
    s2 = rioxarray.open_rasterio(folder / "S2Hand.tif", masked=True)
    label = rioxarray.open_rasterio(folder / "LabelHand.tif")[0].values
    known, truth = label >= 0, label == 1
    vv, vh = s1.values
    band = s2.values.astype(float)
    mndwi = (band[2] - band[11]) / np.maximum(band[2] + band[11], 1)
    plain = {
        "Otsu, VV after a median of 5 x 5": -ndimage.median_filter(vv, 5),
        "Otsu, VH after a median of 5 x 5": -ndimage.median_filter(vh, 5),
        "Otsu, VV + VH after a Gaussian (1.5)": -ndimage.gaussian_filter(vv + vh, 1.5),
        "Otsu, MNDWI of Sentinel-2": mndwi,
    }
    print("Sen1Floods11, Spain (not observable counted as dry)")
    for name, values in plain.items():
        print(f"  {name:38s} {scores((values > otsu(values))[known], truth[known])}")
    ours = {"radar alone": water_extent(s1), "radar and Sentinel-2": water_extent(s1, optical=s2)}
    for name, found in ours.items():
        mask = found.flood.values
        print(f"  ours, {name:32s} {scores((mask == 1)[known], truth[known])}")
        seen = known & (mask != 255)
        print(
            f"    {100 * (mask == 255)[known].mean():.1f} % not observable; elsewhere "
            f"{scores((mask == 1)[seen], truth[seen])}"
        )
        reliability(found.probability.values[seen], truth[seen])
        if maps:
            draw(maps / f"spain_{name.split()[-1]}.png", mask, truth, found.probability.values)


def valley(maps: Path | None) -> None:
    folder = demo.ensure()
    before, after = (
        rioxarray.open_rasterio(p, masked=True) for p in sorted((folder / "flood").glob("*.tif"))
    )
    truth = rioxarray.open_rasterio(folder / "truth" / "flood_extent.tif")[0]
    print("Demonstration valley (speckle without correlation)")
    for name, past in (("two scenes", before), ("the flood's scene alone", None)):
        found = water_extent(after, past)
        mask, p = found.flood.values, found.probability.values
        wet = truth.rio.reproject_match(found.flood).values == 1
        if past is None:
            always = rioxarray.open_rasterio(folder / "truth" / "permanent_water.tif")[0]
            wet |= always.rio.reproject_match(found.flood).values == 1
        known = np.isfinite(p)
        seen = known & (mask != 255)
        print(f"  ours, {name:32s} {scores((mask == 1)[known], wet[known])}")
        print(
            f"    {100 * (mask == 255)[known].mean():.1f} % not observable, holding "
            f"{100 * wet[known & (mask == 255)].sum() / wet.sum():.0f} % of the water; elsewhere "
            f"{scores((mask == 1)[seen], wet[seen])}"
        )
        reliability(p[seen], wet[seen])
        if maps:
            draw(maps / f"demo_{'pair' if past is not None else 'alone'}.png", mask, wet, p)


def simulated() -> None:
    print(f"Simulated parcels, seeds {EVALUATION.start}-{EVALUATION.stop - 1}")
    for name, with_before, image in (
        ("one scene", False, None), ("two scenes", True, None),
        ("one scene and optical", False, optical), ("two scenes and optical", True, optical),
        ("one scene, hazy optical", False, hard_optical),
        ("two scenes, hazy optical", True, hard_optical),
    ):  # fmt: skip
        p, mask, truth = results(EVALUATION, with_before, image)
        print(f"  ours, {name:32s} {scores(mask, truth)}")
        reliability(p, truth)


def draw(path: Path, mask: np.ndarray, truth: np.ndarray, p: np.ndarray) -> None:
    """Hits blue, misses red, false alarms orange, not observable grey (wet: violet)."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.colors import ListedColormap

    code = np.zeros(mask.shape, int)
    for value, where in enumerate(
        ((mask == 1) & truth, (mask == 0) & truth, (mask == 1) & ~truth, (mask == 255) & ~truth,
         (mask == 255) & truth), start=1,
    ):  # fmt: skip
        code[where] = value
    colours = ["white", "#3182bd", "#de2d26", "#fd8d3c", "#d9d9d9", "#756bb1"]
    figure, axes = plt.subplots(1, 2, figsize=(20, 20 * mask.shape[0] / mask.shape[1] / 2))
    axes[0].imshow(code, cmap=ListedColormap(colours), vmin=0, vmax=5, interpolation="nearest")
    axes[1].imshow(p, cmap="viridis", vmin=0, vmax=1)
    figure.tight_layout()
    figure.savefig(path, dpi=60)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=Path, help="folder for PNG maps")
    maps = parser.parse_args().maps
    if maps:
        maps.mkdir(parents=True, exist_ok=True)
    real = Path(os.environ.get("EO_SHARED_DATA", "../shared/data")) / "flood/sen1floods11_spain"
    if real.exists():
        spain(real, maps)
    else:
        print(f"no real scene at {real}: set EO_SHARED_DATA")
    simulated()
    valley(maps)


if __name__ == "__main__":
    main()
