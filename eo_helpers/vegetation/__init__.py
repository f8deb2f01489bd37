"""Vegetation in detail: strata by height, forms as polygons, what communes count with them."""
