"""Make LCZ where there is none, in two independent ways.

- From buildings and land cover (BD TOPO v3, OpenStreetMap): :mod:`.layers` normalises,
  :mod:`.heights` fills missing heights, :mod:`.units` cuts the commune, :mod:`.indicators`
  measures each unit, Cerema's rule and :mod:`.stewart_oke` name its class;
  :func:`.produce.produce` is all of it in one call.
- From a multispectral image with training areas (WUDAPT): :mod:`.wudapt`, and
  :mod:`.accuracy` for how good it is where it was not trained.

All are pure functions on geopandas and xarray objects. Import the modules by name: they
bring scikit-learn and momepy, which a session that only reads maps does not need.
"""
