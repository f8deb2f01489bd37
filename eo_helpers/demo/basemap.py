"""The plain ground of maps without network: relief and land cover in pale tints."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from matplotlib.colors import LightSource
from PIL import Image
from pyproj import Transformer
from rasterio.transform import from_bounds
from rasterio.warp import Resampling, reproject
from scipy import ndimage

from .ground import Cover, Ground

__all__ = ["write_basemap"]

_TINTS = {
    Cover.SEA: (206, 222, 232), Cover.WATER: (176, 205, 226), Cover.BUILDING: (198, 190, 184),
    Cover.MINERAL: (252, 250, 247), Cover.BARE: (240, 230, 206), Cover.GRASS: (231, 239, 216),
    Cover.CROP: (246, 242, 226), Cover.SHRUB: (218, 230, 203), Cover.TREE: (205, 221, 193),
}  # fmt: skip
_PAPER = (240, 240, 237)


def write_basemap(ground: Ground, folder: Path, width: int = 1600) -> Path:
    """Write ``basemap_<area>.png`` (EPSG:3857) and its bounds in degrees (``.json``)."""
    cover = ground.cover
    table = np.array([_TINTS[Cover(c)] for c in range(9)], np.float32)
    if ground.river is None:
        table[Cover.CROP] = (226, 236, 206)
    tint = table[cover]
    urban = ndimage.uniform_filter((cover == Cover.BUILDING).astype(np.float32), 25)
    warm = np.clip(urban / 0.25, 0, 1)[..., None] * 0.5
    land = ((cover != Cover.SEA) & (cover != Cover.WATER) & (cover != Cover.BUILDING))[..., None]
    tint = np.where(land, tint * (1 - warm) + np.array([238, 228, 218]) * warm, tint)
    shade = LightSource(315, 42).hillshade(
        ndimage.gaussian_filter(ground.terrain, 2),
        vert_exag=2.2 if ground.river is not None else 0.8,
        dx=5,
        dy=5,
    )
    flat = np.sin(np.deg2rad(42))
    light = 1 + 0.42 * (shade - flat)
    light[(cover == Cover.SEA) | (cover == Cover.WATER)] = 1
    main = ground.streets[ground.streets["kind"] != "street"]
    for kind, colour, grow in (("main", (255, 254, 250), 9.0), ("national", (250, 224, 170), 12.0)):
        lines = main[main["kind"] == kind]
        if len(lines):
            casing = ground.grid.burn(lines.buffer(grow + 5).values, 1) == 1
            body = ground.grid.burn(lines.buffer(grow).values, 1) == 1
            tint[casing] = (186, 176, 162)
            tint[body] = colour
            light[casing] = 1
    rgb = np.clip(tint * light[..., None], 0, 255)
    # Paper colour beyond the communes, so that the eye stays on them.
    block = ground.block_id[::4, ::4]
    away = ndimage.distance_transform_edt(
        (block < 0) | (ground.blocks["insee"].to_numpy()[block] == "")
    )
    fade = np.clip(away.astype(np.float32) * 20 / 600, 0, 1)
    fade = ground.grid.coarse(4).refine(fade, 4) * 0.55
    fade = np.where(cover == Cover.SEA, 0, fade)[..., None]
    rgb = rgb * (1 - fade) + np.array(_PAPER) * fade

    transformer = Transformer.from_crs(ground.crs, "EPSG:3857", always_xy=True)
    west, south, east, north = transformer.transform_bounds(*ground.grid.bounds, densify_pts=41)
    rows = round(width * (north - south) / (east - west))
    target = from_bounds(west, south, east, north, width, rows)
    source = np.concatenate([rgb, np.full((*cover.shape, 1), 255.0)], axis=2).astype(np.uint8)
    out = np.zeros((4, rows, width), np.uint8)
    reproject(
        np.ascontiguousarray(np.moveaxis(source, 2, 0)), out, src_transform=ground.grid.transform,
        src_crs=ground.crs, dst_transform=target, dst_crs="EPSG:3857",
        resampling=Resampling.average, num_threads=2,
    )  # fmt: skip
    path = folder / f"basemap_{ground.area}.png"
    Image.fromarray(np.moveaxis(out, 0, 2)).save(path, optimize=False, compress_level=6)
    to_degrees = Transformer.from_crs("EPSG:3857", "EPSG:4326", always_xy=True)
    w, s = to_degrees.transform(west, south)
    e, n = to_degrees.transform(east, north)
    about = {
        "area": ground.area,
        "crs": "EPSG:3857",
        "bounds": [[round(s, 7), round(w, 7)], [round(n, 7), round(e, 7)]],
        "demonstration": True,
        "attribution": "Données de démonstration (territoire fictif)",
    }
    path.with_suffix(".json").write_text(
        json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8"
    )
    return path
