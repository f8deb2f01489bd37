"""A remote file read by parts: the table of a zip, the window of a COG, not the rest."""

from __future__ import annotations

import io
import re
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..errors import EoError, InvalidInput, Unreachable
from . import net

__all__ = ["RangeFile", "open_raster"]

_BLOCK = 1 << 15
#: Blocks kept in memory: 16 MB.
_KEPT = 512
#: A block of a COG is read with those that follow it, up to so many at once.
_AT_ONCE = 64


class RangeFile(io.RawIOBase):
    """A read-only file behind HTTP Range requests.

    ``zipfile`` and ``rasterio`` read it like any other, so that time-outs, repeated
    attempts and the offline mode are those of :mod:`net`.

    Parameters
    ----------
    url : str
    who : str
        The provider's name, for the sentences.
    headers : mapping, optional
        Credentials among them; never written.
    policy : net.Policy, optional
    resign : callable, optional
        Gives the address anew when a signed one has expired (401, 403).

    Raises
    ------
    Offline, Refused, NoData, Unreachable
        Unreachable also where the server does not know ranges.
    InvalidInput
        If the file changed while it was read.
    """

    def __init__(
        self,
        url: str,
        who: str,
        headers: Mapping[str, str] | None = None,
        policy: net.Policy | None = None,
        resign: Callable[[], str] | None = None,
    ) -> None:
        super().__init__()
        self.name = net.shown(url)
        self._url, self._who, self._resign = url, who, resign
        self._policy = policy or net.Policy()
        self._session = net.session(headers)
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._at = 0
        self._mark: str | None = None
        self.size = 0
        #: Bytes that came over the network.
        self.brought = 0
        #: What went wrong in a read that GDAL asked for: it only says that it failed.
        self.error: EoError | None = None
        try:
            self._ask(0, _BLOCK - 1)
        except BaseException:
            self._session.close()
            raise

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._bytes(self._at, min(self._at + len(buffer), self.size))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._session.close()
        super().close()

    def _bytes(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        first, last = start // _BLOCK, (end - 1) // _BLOCK
        out: list[bytes] = []
        number = first
        while number <= last:
            if number not in self._blocks:
                upto = number
                while upto < min(last, number + _AT_ONCE - 1) and upto + 1 not in self._blocks:
                    upto += 1
                self._ask(number * _BLOCK, min((upto + 1) * _BLOCK, self.size) - 1)
            self._blocks.move_to_end(number)
            out.append(self._blocks[number])
            number += 1
        while len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)
        return b"".join(out)[start - first * _BLOCK : end - first * _BLOCK]

    def _ask(self, first: int, last: int) -> None:
        """Fetch some whole blocks."""
        import requests

        failures, signed_again = 0, False
        while True:
            answer, data = None, b""
            try:
                with self._session.get(
                    self._url,
                    headers={"Range": f"bytes={first}-{last}", "Accept-Encoding": "identity"},
                    timeout=(self._policy.connect, self._policy.read),
                    stream=True,
                ) as answer:
                    if answer.status_code == 206:
                        self._known(answer, first)
                        data = b"".join(net.blocks(answer, self._policy))
                        self.brought += len(data)
                        if len(data) == min(last + 1, self.size) - first:
                            break
                    elif answer.status_code in (401, 403) and self._resign and not signed_again:
                        self._url, signed_again = self._resign(), True
                        continue
                    elif answer.status_code == 200:
                        raise Unreachable(
                            f"{self._who} ne sait pas envoyer une partie de fichier : téléchargez "
                            f"{self.name} en entier.",
                            f"{self._who} cannot send a part of a file: download {self.name} "
                            "whole.",
                        )
                    elif not net.passing(answer.status_code):
                        raise net.failure(self._who, self._url, answer.status_code)
            except requests.RequestException as error:
                if failures + 1 >= self._policy.attempts:
                    raise net.unreachable(self._who) from error
            failures += 1
            if failures >= self._policy.attempts:
                raise net.unreachable(self._who)
            net.pause(self._policy, failures, answer, self._who)
        for start in range(0, len(data), _BLOCK):
            self._blocks[(first + start) // _BLOCK] = data[start : start + _BLOCK]

    def _known(self, answer: Any, first: int) -> None:
        found = re.match(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        if not found or int(found[1]) != first:
            raise Unreachable(
                f"{self._who} envoie une autre partie de {self.name} que celle demandée.",
                f"{self._who} sends another part of {self.name} than the one asked for.",
            )
        mark = answer.headers.get("ETag", "") + answer.headers.get("Last-Modified", "")
        if self._mark is None:
            self._mark, self.size = mark, int(found[2])
        elif mark != self._mark or self.size != int(found[2]):
            raise InvalidInput(
                f"{self.name} a changé chez {self._who} pendant sa lecture : relancez.",
                f"{self.name} changed at {self._who} while it was read: run again.",
            )


class _View(io.RawIOBase):
    """A place in a RangeFile, for a reader that closes what it was given."""

    def __init__(self, remote: RangeFile) -> None:
        super().__init__()
        self._remote, self._at = remote, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._remote.size}[whence]
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._remote.seek(self._at)
        try:
            count = self._remote.readinto(buffer)
        except EoError as error:
            self._remote.error = error
            raise OSError(str(error)) from error
        self._at += count
        return count


@contextmanager
def open_raster(remote: RangeFile) -> Iterator[Any]:
    """A remote GeoTIFF as an open ``rasterio`` dataset: only what is read is fetched.

    Raises
    ------
    EoError
        What the network said, where a read failed for it.
    """
    import rasterio

    # rasterio would read a file object whole; an opener is read by parts.
    name = f"{uuid.uuid4().hex}.tif"

    def opener(path: str, mode: str = "rb") -> _View:
        if not str(path).endswith(name):
            raise FileNotFoundError(path)  # side files that GDAL looks for
        return _View(remote)

    try:
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
            rasterio.open(name, opener=opener) as file,
        ):
            yield file
    except (rasterio.errors.RasterioError, OSError) as error:
        if remote.error is not None:
            raise remote.error from error
        raise InvalidInput(
            f"{remote.name} n'est pas un GeoTIFF lisible : réessayez plus tard.",
            f"{remote.name} is no readable GeoTIFF: try again later.",
        ) from error
