"""Imported once by the parent of the analysis processes, which are forked from it.

They share the memory of what is loaded here, and start in milliseconds.
"""

from __future__ import annotations

import importlib
import logging

log = logging.getLogger(__name__)

HEAVY = (
    "numpy",
    "scipy.ndimage",
    "pandas",
    "shapely",
    "pyproj",
    "pyogrio",
    "geopandas",
    "rasterio",
    "rasterio.features",
    "rasterio.warp",
    "xarray",
    "rioxarray",
    "h5py",
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "skimage.filters",
    "exactextract",
    "pystac",
    "rapidfuzz.process",
    "babel.numbers",
    "babel.dates",
)

for _name in (*HEAVY, "eo_helpers.catalog", "eo_helpers.findings", "eo_helpers.views.bundle"):
    try:
        importlib.import_module(_name)
    except ImportError as error:  # the analysis that needs it will say so in its own words
        log.warning("not preloaded: %s", error)

for _theme in getattr(importlib.import_module("eo_helpers.findings"), "THEMES", ()):
    try:
        importlib.import_module(f"eo_helpers.{_theme.name}.finding")
    except ImportError as error:
        log.warning("not preloaded: %s", error)
