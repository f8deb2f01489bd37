"""Dates as people write them, in one format a column: a shoreline misdated is a wrong rate."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from ..errors import InvalidInput

__all__ = ["parse_dates"]

_KINDS = {
    "iso": re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ].*)?$"),
    "french": re.compile(r"\d{1,2}/\d{1,2}/\d{4}( .*)?$"),
    "compact": re.compile(r"\d{8}(T?\d{6})?$"),
    "month": re.compile(r"\d{4}-\d{1,2}$"),
    "year": re.compile(r"\d{4}$"),
}


def parse_dates(values: Any, where: str) -> pd.DatetimeIndex:
    """Dates of a column, UTC.

    Parameters
    ----------
    values : Series of datetime, text or whole years
        ``2020-07-14`` (with or without a time), ``14/07/2020``, ``20200714``, ``2020-07``,
        ``2020``; one way of writing for all.
    where : str
        File, for the message.

    Returns
    -------
    DatetimeIndex
        A month is dated its 15th, a year its 1 July: the middle of what is known.

    Raises
    ------
    InvalidInput
        If a date is missing, cannot be read, or several ways of writing are mixed.
    """
    column = pd.Series(values).reset_index(drop=True)
    empty = column.isna() | (column.astype(str).str.strip() == "")
    if empty.any():
        first = int(empty.to_numpy().argmax()) + 1
        raise InvalidInput(
            f"{where} : {int(empty.sum())} ligne(s) sans date (la première : n° {first}) ; un "
            "trait de côte sans date ne donne pas de vitesse : datez-le ou retirez-le.",
            f"{where}: {int(empty.sum())} row(s) without a date (first: no. {first}); an undated "
            "shoreline gives no rate: date it or take it out.",
        )
    if pd.api.types.is_datetime64_any_dtype(column):
        return pd.DatetimeIndex(pd.to_datetime(column, utc=True))
    if pd.api.types.is_float_dtype(column) and (column == column.round()).all():
        column = column.astype("int64")
    whole = column.astype(str).str.strip()
    # Many rows, few dates: each is read once.
    code, once = pd.factorize(whole)
    text = pd.Series(once, dtype=object)
    kind = pd.Series("", index=text.index)
    for name, pattern in _KINDS.items():
        kind[text.map(lambda v, p=pattern: p.match(v) is not None) & (kind == "")] = name
    unknown = kind == ""
    if unknown.any():
        example = text[unknown].iloc[0]
        raise InvalidInput(
            f"{where} : la date « {example} » ne se lit pas ; écrivez 2020-07-14.",
            f"{where}: date '{example}' cannot be read; write 2020-07-14.",
        )
    found = kind.unique()
    if len(found) > 1:
        pair = [text[kind == k].iloc[0] for k in found[:2]]
        raise InvalidInput(
            f"{where} : les dates sont écrites de plusieurs façons (« {pair[0]} » et "
            f"« {pair[1]} ») ; n'en gardez qu'une, par exemple 2020-07-14.",
            f"{where}: dates are written in several ways ('{pair[0]}' and '{pair[1]}'); keep one, "
            "such as 2020-07-14.",
        )
    return _read(text, str(found[0]), where)[code]


def _read(text: pd.Series, kind: str, where: str) -> pd.DatetimeIndex:
    if kind == "french":
        # 14/07/2020: the day first, as in France.
        plain, how = text.str.split(" ").str[0], "%d/%m/%Y"
    elif kind == "compact":
        plain, how = text.str[:8], "%Y%m%d"
    elif kind == "month":
        plain, how = text + "-15", "%Y-%m-%d"
    elif kind == "year":
        plain, how = text + "-07-01", "%Y-%m-%d"
    else:
        plain, how = text, "ISO8601"
    out = pd.to_datetime(plain, format=how, utc=True, errors="coerce")
    if out.isna().any():
        example = text[out.isna()].iloc[0]
        raise InvalidInput(
            f"{where} : « {example} » n'est pas une date qui existe ; écrivez 2020-07-14 (ou "
            "14/07/2020, le jour d'abord).",
            f"{where}: '{example}' is no date that exists; write 2020-07-14 (or 14/07/2020, the "
            "day first).",
        )
    return pd.DatetimeIndex(out)
