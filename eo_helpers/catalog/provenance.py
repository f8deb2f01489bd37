"""Where a figure comes from: carried by every indicator to the last screen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Provenance"]


@dataclass(frozen=True)
class Provenance:
    """Origin of one data set as it was read.

    Parameters
    ----------
    dataset : str
        Identifier of the STAC collection in the catalog.
    title : dict
        Its name, ``{"fr": …, "en": …}``.
    edition : str
        Vintage or version, as the provider names it.
    licence : str
        SPDX identifier or the licence's name.
    attribution : str
        What must be written under the map.
    source : str
        ``"demo"``, ``"files"`` or ``"online"``.
    read_at : str
        ISO 8601 instant (UTC) at which the copy in use was written to this
        machine: the same for two runs on the same copy.
    demonstration : bool
        True for fictional data.
    """

    dataset: str
    title: dict[str, str]
    edition: str
    licence: str
    attribution: str
    source: str
    read_at: str
    demonstration: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionary, ready for JSON."""
        return asdict(self)
