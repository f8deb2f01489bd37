"""The one door to the network: who may be asked, how often, and for how long.

Every request of the package goes through :func:`session` (each redirect too), so that
``EO_HELPERS_OFFLINE=1`` closes all of it. Secrets stay in headers and query strings:
:func:`shown` is the only form of an address that is written or said.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import ipaddress
import os
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from ..errors import EoError, NoData, Offline, Refused, Unreachable

__all__ = ["OFFLINE", "Policy", "allow", "ask", "blocks", "offline", "session", "shown"]

#: Environment variable that closes the network.
OFFLINE = "EO_HELPERS_OFFLINE"
_AGENT = "eo-helpers (open-source; French communes seen by satellites)"
#: Answers that another attempt may change.
_PASSING = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Policy:
    """How patient a request is.

    Parameters
    ----------
    attempts : int
        Failures in a row, without a new byte, before giving up.
    first_wait, longest_wait : float
        Seconds before the second attempt, doubled each time, and at most.
    longest_order : float
        The longest ``Retry-After`` that is obeyed, seconds; beyond, it is said instead.
    connect, read : float
        Seconds without a connection, and without a byte.
    drip_window, drip_least : float
        A download that brings less than ``drip_least`` bytes a second over
        ``drip_window`` seconds counts as cut.
    """

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 30.0
    longest_order: float = 120.0
    connect: float = 10.0
    read: float = 30.0
    drip_window: float = 30.0
    drip_least: float = 512.0

    def wait(self, failures: int) -> float:
        """Seconds before the next attempt: doubled each time, with some chance in it."""
        # Chance keeps twenty laptops that failed together from coming back together.
        base = min(self.first_wait * 2 ** max(failures - 1, 0), self.longest_wait)
        return base * random.uniform(0.5, 1.0)


def offline() -> bool:
    """True if the network is closed by ``EO_HELPERS_OFFLINE``."""
    return os.environ.get(OFFLINE, "").strip().lower() not in ("", "0", "false", "no")


def _local(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def allow(url: str) -> None:
    """Refuse an address while the network is closed, unless it is this machine.

    Raises
    ------
    Offline
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise Unreachable(
            f"L'adresse {shown(url)} n'est pas une adresse web (http, https) : refusée.",
            f"Address {shown(url)} is not one of the web (http, https): refused.",
        )
    if offline() and not _local(parts.hostname or ""):
        raise Offline(
            f"Mode hors ligne ({OFFLINE}) : {parts.hostname} n'a pas été interrogé. Ouvrez un "
            "paquet (eo-helpers data open) ou retirez cette variable.",
            f"Offline mode ({OFFLINE}): {parts.hostname} was not asked. Open a pack "
            "(eo-helpers data open) or unset this variable.",
        )


def shown(url: str) -> str:
    """An address without what may be secret: no user, no query, no fragment."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


@lru_cache(maxsize=1)
def _session_class() -> type[Any]:
    import requests  # late: importing the package must cost nothing

    class Door(requests.Session):
        """A session that asks :func:`allow` before each request, redirects included."""

        def send(self, request: Any, **options: Any) -> Any:
            allow(str(request.url))
            return super().send(request, **options)

        def rebuild_auth(self, prepared: Any, response: Any) -> None:
            # requests drops Authorization on another host; so do keys of any other name.
            super().rebuild_auth(prepared, response)
            old, new = urlsplit(response.request.url), urlsplit(prepared.url)
            if old.netloc != new.netloc:
                for name in [n for n in prepared.headers if "key" in n.lower()]:
                    del prepared.headers[name]

    return Door


def session(headers: Mapping[str, str] | None = None) -> Any:
    """A ``requests.Session`` that knows the offline mode and forgets keys when redirected."""
    made = _session_class()()
    made.headers["User-Agent"] = _AGENT
    made.headers.update(headers or {})
    return made


def ordered_wait(answer: Any) -> float | None:
    """Seconds that ``Retry-After`` asks for (a number or a date), or None."""
    text = (answer.headers.get("Retry-After") or "").strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max((moment - dt.datetime.now(tz=dt.UTC)).total_seconds(), 0.0)


def pause(policy: Policy, failures: int, answer: Any | None, who: str) -> None:
    """Wait before another attempt, as long as the provider orders.

    Raises
    ------
    Unreachable
        If it orders a longer wait than ``policy.longest_order``.
    """
    order = ordered_wait(answer) if answer is not None else None
    if order is not None and order > policy.longest_order:
        minutes = max(round(order / 60), 1)
        raise Unreachable(
            f"{who} demande d'attendre {minutes} min avant une autre question : relancez alors, "
            "ce qui est déjà là reste.",
            f"{who} asks to wait {minutes} min before another question: run again then, what is "
            "here stays.",
        )
    time.sleep(policy.wait(failures) if order is None else order)


def passing(status: int) -> bool:
    """True for an answer that another attempt may change (429, 5xx …)."""
    return status in _PASSING


def failure(who: str, url: str, status: int) -> EoError:
    """The sentence for an answer that no other attempt changes."""
    if status in (401, 403):
        return Refused(
            f"{who} demande un compte ou refuse le vôtre ({status}) : vérifiez votre jeton, il a "
            "pu expirer.",
            f"{who} wants an account or refuses yours ({status}): check your token, it may have "
            "expired.",
        )
    if status in (404, 410):
        return NoData(
            f"{who} n'a rien à l'adresse {shown(url)} ({status}).",
            f"{who} has nothing at {shown(url)} ({status}).",
        )
    return Unreachable(
        f"{who} répond par une erreur ({status}) : réessayez plus tard.",
        f"{who} answers with an error ({status}): try again later.",
    )


def unreachable(who: str) -> Unreachable:
    """The sentence for a service that does not answer."""
    return Unreachable(
        f"{who} est injoignable : vérifiez le réseau et relancez, ce qui est déjà là reste.",
        f"{who} cannot be reached: check the network and run again, what is here stays.",
    )


def ask(
    url: str,
    who: str,
    *,
    session_: Any | None = None,
    params: Mapping[str, Any] | None = None,
    json: Any | None = None,
    headers: Mapping[str, str] | None = None,
    policy: Policy | None = None,
    limit: int = 50_000_000,
) -> bytes:
    """A small answer in memory (JSON, a tile), asked again while the failure may pass.

    Parameters
    ----------
    url : str
    who : str
        The provider's name, for the sentences.
    session_ : requests.Session, optional
        From :func:`session`; kept open by the caller for many questions.
    params, json, headers
        As ``requests`` has them; with ``json`` the request is a POST.
    policy : Policy, optional
    limit : int
        Bytes beyond which the answer is refused.

    Raises
    ------
    Offline, Refused, NoData, Unreachable
    """
    import requests

    policy = policy or Policy()
    own = session_ or session()
    failures = 0
    try:
        while True:
            answer = None
            try:
                with own.request(
                    "GET" if json is None else "POST",
                    url,
                    params=params,
                    json=json,
                    headers={"Accept-Encoding": "identity", **(headers or {})},
                    timeout=(policy.connect, policy.read),
                    stream=True,
                ) as answer:
                    # Hub'Eau answers 206 where more pages follow.
                    if answer.status_code in (200, 206):
                        return _body(answer, limit, who, policy)
                    if not passing(answer.status_code):
                        raise failure(who, url, answer.status_code)
            except requests.RequestException as error:
                if failures + 1 >= policy.attempts:
                    raise unreachable(who) from error
            failures += 1
            if failures >= policy.attempts:
                raise failure(who, url, answer.status_code if answer is not None else 0)
            pause(policy, failures, answer, who)
    finally:
        if session_ is None:
            own.close()


def _body(answer: Any, limit: int, who: str, policy: Policy) -> bytes:
    parts: list[bytes] = []
    size = 0
    for block in blocks(answer, policy):
        size += len(block)
        if size > limit:
            raise Unreachable(
                f"{who} envoie plus de {limit / 1e6:.0f} Mo à une question simple : refusé.",
                f"{who} sends more than {limit / 1e6:.0f} MB to a simple question: refused.",
            )
        parts.append(block)
    return b"".join(parts)


def blocks(answer: Any, policy: Policy, block: int = 1 << 16) -> Iterator[bytes]:
    """What an open answer brings, as it comes.

    Raises
    ------
    requests.RequestException
        If the connection is cut, stays silent or only drips.
    """
    import requests
    import urllib3

    window, brought = time.monotonic(), 0
    try:
        # read1 gives what is there; read would wait for a whole block, drip after drip.
        while data := answer.raw.read1(block, decode_content=True):
            yield data
            brought += len(data)
            elapsed = time.monotonic() - window
            if elapsed >= policy.drip_window:
                if brought < policy.drip_least * elapsed:
                    raise requests.exceptions.ReadTimeout("only a drip")
                window, brought = time.monotonic(), 0
    except (urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(error, requests.RequestException):
            raise
        raise requests.exceptions.ConnectionError("cut") from error
