"""Black Marble as a provider: what ``eo-helpers data fetch`` asks for night lights."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..catalog.online.provider import Provider
from ..catalog.store import Kept, now
from ..errors import InvalidInput, NoData
from ..text import Text
from . import download as laads

if TYPE_CHECKING:
    from ..catalog.store import Store
    from ..territory.commune import Commune

__all__ = ["provider"]

PRODUCT = "VNP46A3"


def provider(since: str | None) -> Provider:
    """The provider of monthly tiles from a month on.

    Parameters
    ----------
    since : str or None
        ``YYYY-MM``. None: nothing is fetched, it is said what a person adds; a tile is
        some 10 MB a month, which nobody is given without asking.

    Raises
    ------
    InvalidInput
        If ``since`` is no month.
    """
    if since is not None and not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", since):
        raise InvalidInput(
            f"« {since} » n'est pas un mois : écrivez AAAA-MM, par exemple 2021-01.",
            f"'{since}' is no month: write YYYY-MM, such as 2021-01.",
        )

    def missing() -> Text | None:
        if not os.environ.get(laads.TOKEN, "").strip():
            return {
                "fr": f"il faut un compte Earthdata (gratuit, urs.earthdata.nasa.gov) et son jeton "
                f"dans {laads.TOKEN}",
                "en": f"an Earthdata account is needed (free, urs.earthdata.nasa.gov), its token "
                f"in {laads.TOKEN}",
            }
        if since is None:
            return {
                "fr": "compte trouvé ; ajoutez --since AAAA-MM pour choisir les mois",
                "en": "account found; add --since YYYY-MM to choose the months",
            }
        return None

    def fetch(
        commune: Commune, store: Store, progress: Callable[[str, float], None] | None
    ) -> list[Kept]:
        import pandas as pd

        last = pd.Timestamp.now(tz="UTC").tz_localize(None) - pd.DateOffset(months=2)
        months = [f"{m:%Y-%m}" for m in pd.period_range(since, last, freq="M").to_timestamp()]
        out = []
        for k, month in enumerate(months):
            for tile in laads.tiles_of(commune):
                if progress:
                    progress(f"Lumières nocturnes, {month}", k / len(months))
                kept = _tile(store, month, tile)
                out += [kept] if kept else []
        if not out:
            raise NoData(
                f"La NASA n'a pas encore de tuile depuis {since}.",
                f"NASA has no tile since {since} yet.",
            )
        return out

    return Provider("blackmarble", "vnp46a3", ("lighting",), fetch, missing, by_itself=False)


def _tile(store: Store, month: str, tile: str) -> Kept | None:
    def make(folder: Path) -> Kept:
        found = laads.download([month], [tile], folder, product=PRODUCT, archive=laads.ARCHIVE)
        if not found:
            raise NoData(f"Pas de tuile en {month}.", f"No tile in {month}.")
        return Kept(
            "", "vnp46a3", found[0].name, "", 0, f"{laads.ARCHIVE}/{PRODUCT}",
            f"{PRODUCT}, collection 002", "Domaine public (NASA)", now(),
        )  # fmt: skip

    try:
        return store.bring(f"vnp46a3/{tile}/{month}", make)
    except NoData as error:
        # A month that is not published is no failure; a service that is away is.
        if type(error) is not NoData:
            raise
        return None
