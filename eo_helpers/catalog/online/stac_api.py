"""Search in a STAC API, page after page, through the one door (``net``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from ...errors import Unreachable
from .. import net
from ..download import parsed

__all__ = ["http_address", "search"]

_PAGE = 50
_MOST_PAGES = 20


def search(
    base: str,
    who: str,
    collection: str,
    box: tuple[float, float, float, float],
    *,
    between: str | None = None,
    query: dict[str, Any] | None = None,
    most: int = 200,
    policy: net.Policy | None = None,
) -> list[Any]:
    """Items of a collection that meet a box.

    Parameters
    ----------
    base : str
        Root of the API.
    who : str
        The provider's name, for the sentences.
    collection : str
    box : tuple of float
        West, south, east, north in degrees.
    between : str, optional
        ``2024-01-01T00:00:00Z/2024-02-01T00:00:00Z``.
    query : dict, optional
        Of the Query extension: ``{"eo:cloud_cover": {"lt": 20}}``.
    most : int
        Items at most.
    policy : net.Policy, optional

    Returns
    -------
    list of pystac.Item

    Raises
    ------
    Offline, Refused, Unreachable
    """
    import pystac

    body: dict[str, Any] = {"collections": [collection], "bbox": list(box), "limit": _PAGE}
    if between:
        body["datetime"] = between
    if query:
        body["query"] = query
    items: dict[str, Any] = {}
    for page in _pages(f"{base}/search", body, who, policy):
        before = len(items)
        for feature in page:
            try:
                item = pystac.Item.from_dict(feature)
            except Exception as error:
                raise Unreachable(
                    f"{who} a répondu par une scène que STAC ne connaît pas : réessayez plus tard.",
                    f"{who} answered with an item that is no STAC: try again later.",
                ) from error
            items.setdefault(item.id, item)
            if len(items) >= most:
                return list(items.values())
        if len(items) == before:
            break  # a page that says nothing new
    return list(items.values())


def _pages(
    url: str, body: dict[str, Any] | None, who: str, policy: net.Policy | None
) -> Iterator[list[dict[str, Any]]]:
    home = urlsplit(url).netloc
    seen: set[str] = set()
    with net.session() as session:
        for _ in range(_MOST_PAGES):
            seen.add(f"{url} {json.dumps(body, sort_keys=True)}")
            raw = net.ask(url, who, session_=session, json=body, policy=policy)
            answer = parsed(raw, who, "features")
            yield answer["features"]
            link = next((x for x in answer.get("links", []) if x.get("rel") == "next"), None)
            if link is None or not answer["features"]:
                return
            url = urljoin(url, str(link["href"]))
            if str(link.get("method", "GET")).upper() == "POST":
                given = link.get("body") or {}
                body = {**(body or {}), **given} if link.get("merge") else given or body
            else:
                body = None
            # A page that leads elsewhere, or round in a circle, ends the search.
            if urlsplit(url).netloc != home or f"{url} {json.dumps(body, sort_keys=True)}" in seen:
                return


def http_address(href: str) -> str:
    """The web address of an asset; ``s3://`` of an open bucket becomes ``https://``."""
    parts = urlsplit(href)
    if parts.scheme == "s3":
        return f"https://{parts.netloc}.s3.amazonaws.com{parts.path}"
    return href
