"""STAC's own schemas, as pystac carries them: no network is asked."""

from __future__ import annotations

import re
from typing import Any

import pystac
from pystac.stac_object import STACObjectType
from pystac.validation import JsonSchemaSTACValidator

from eo_helpers.catalog.stac import FILE_EXTENSION


class Closed(pystac.StacIO):
    """A reader that reads nothing: a schema that pystac does not carry is a failure."""

    def read_text(self, source: Any, *args: Any, **options: Any) -> str:
        raise AssertionError(f"a schema was asked of the network: {source}")

    def write_text(self, dest: Any, txt: str, *args: Any, **options: Any) -> None:
        raise AssertionError("nothing is written here")


def valid_stac(told: dict[str, Any]) -> None:
    """Validate a catalog, collection or item of JSON; raises where it is not STAC 1.1."""
    assert told["stac_version"] == "1.1.0"
    before = pystac.StacIO._default_io
    pystac.StacIO.set_default(Closed)
    try:
        JsonSchemaSTACValidator().validate_core(
            told, STACObjectType(told["type"]), told["stac_version"]
        )
    finally:
        pystac.StacIO._default_io = before
    # The one extension we use, whose schema pystac does not carry: its rules for our fields.
    assert set(told.get("stac_extensions") or ()) <= {FILE_EXTENSION}
    for asset in told.get("assets", {}).values():
        fields = {k: v for k, v in asset.items() if k.startswith("file:")}
        assert set(fields) == {"file:checksum", "file:size"}
        assert re.fullmatch(r"1220[0-9a-f]{64}", fields["file:checksum"])
        assert isinstance(fields["file:size"], int) and fields["file:size"] >= 0
