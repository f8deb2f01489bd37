"""The window of a commune out of remote rasters, written as one small GeoTIFF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...errors import OutOfCoverage
from .. import net
from ..ranged import RangeFile, open_raster

__all__ = ["whole_pixels", "write_window"]

#: A window larger than this is no commune's: Maripasoula, the largest, has 18,360 km².
_MOST_PIXELS = 600_000_000


def write_window(
    bands: Sequence[tuple[str, str]],
    box: tuple[float, float, float, float],
    path: Path,
    who: str,
    *,
    tags: dict[str, str] | None = None,
    change: Callable[[str, Any], Any] | None = None,
    resign: Callable[[str], str] | None = None,
    policy: net.Policy | None = None,
) -> int:
    """Read a box of remote GeoTIFFs (one band each) and write it as a compressed GeoTIFF.

    Parameters
    ----------
    bands : sequence of (name, url)
        The first gives the grid; the others are read on it (nearest, as they are whole
        multiples of it in Sentinel's grids).
    box : tuple of float
        West, south, east, north in degrees.
    path : Path
    who : str
        The provider's name, for the sentences.
    tags : dict, optional
        Written into the file.
    change : callable (name, array) -> array, optional
        Applied to each band.
    resign : callable (url) -> url, optional
        Signs an address anew.
    policy : net.Policy, optional

    Returns
    -------
    int
        Bytes that came over the network.

    Raises
    ------
    OutOfCoverage
        If the box does not meet the raster.
    Offline, Refused, Unreachable, InvalidInput
    """
    import numpy as np
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.warp import transform_bounds
    from rasterio.windows import bounds as bounds_of
    from rasterio.windows import from_bounds

    brought = 0
    layers: list[Any] = []
    grid: dict[str, Any] = {}
    for name, url in bands:
        again = None if resign is None else (lambda u=url: resign(u))
        with RangeFile(url, who, policy=policy, resign=again) as remote:
            with open_raster(remote) as file:
                if not grid:
                    wanted = transform_bounds("EPSG:4326", file.crs, *box, densify_pts=21)
                    window = whole_pixels(from_bounds(*wanted, transform=file.transform), file)
                    if not 0 < window.width * window.height <= _MOST_PIXELS:
                        raise _elsewhere(who)
                    grid = {
                        "crs": file.crs, "transform": file.window_transform(window),
                        "width": int(window.width), "height": int(window.height),
                        "nodata": file.nodata,
                    }  # fmt: skip
                    extent = bounds_of(window, file.transform)
                part = from_bounds(*extent, transform=file.transform)
                if not _inside(part, file):
                    raise _elsewhere(who)
                values = file.read(
                    1, window=part, out_shape=(grid["height"], grid["width"]), boundless=False,
                    resampling=Resampling.nearest,
                )  # fmt: skip
            brought += remote.brought
        layers.append(change(name, values) if change else values)
    kind = np.result_type(*layers)
    block = {"tiled": True, "blockxsize": 256, "blockysize": 256}
    with rasterio.open(
        path, "w", driver="GTiff", count=len(layers), dtype=kind, compress="deflate",
        **grid, **(block if min(grid["width"], grid["height"]) >= 256 else {}),
    ) as out:  # fmt: skip
        for number, ((name, _), layer) in enumerate(zip(bands, layers, strict=True), 1):
            out.write(layer.astype(kind), number)
            out.set_band_description(number, name)
        out.update_tags(**(tags or {}))
    return brought


def whole_pixels(window: Any, file: Any) -> Any:
    """The pixels that a window touches, within the file; of no width if there are none."""
    import math

    from rasterio.windows import Window

    left, top = max(math.floor(window.col_off), 0), max(math.floor(window.row_off), 0)
    right = min(math.ceil(window.col_off + window.width), file.width)
    bottom = min(math.ceil(window.row_off + window.height), file.height)
    return Window(left, top, max(right - left, 0), max(bottom - top, 0))


def _inside(window: Any, file: Any) -> bool:
    """True if a window of another band's grid lies in the file (half a pixel is forgiven)."""
    return bool(
        window.col_off > -0.51
        and window.row_off > -0.51
        and window.col_off + window.width < file.width + 0.51
        and window.row_off + window.height < file.height + 0.51
    )


def _elsewhere(who: str) -> OutOfCoverage:
    return OutOfCoverage(
        f"{who} : l'image ne couvre pas la commune.",
        f"{who}: the image does not cover the commune.",
    )
