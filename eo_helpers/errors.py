"""The package's own errors: one clear sentence each, in French and in English.

Every error that a user can cause is an :class:`EoError`. ``str(error)`` is the
French sentence (what is wrong, where, what to do); ``error.en`` the English
one. ``exit_code`` is what the command line returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "EoError",
    "InvalidInput",
    "MissingTool",
    "NoData",
    "Offline",
    "OutOfCoverage",
    "Refused",
    "UnknownCommune",
    "Unreachable",
    "reading",
]


class EoError(Exception):
    """Base class of every error that a user can cause or meet.

    Parameters
    ----------
    fr, en : str
        The sentence shown to the user, in French and in English. It says what
        is wrong, where, and what to do.
    """

    exit_code = 2

    def __init__(self, fr: str, en: str) -> None:
        super().__init__(fr)
        self.fr = fr
        self.en = en

    def __reduce__(self) -> tuple[type[EoError], tuple[str, str]]:
        # Exceptions cross process borders (the analysis worker): keep both sentences.
        return type(self), (self.fr, self.en)


class InvalidInput(EoError):
    """A file, a value or a parameter is not what the method needs."""


class UnknownCommune(EoError):
    """No commune answers to this name, code or postcode.

    ``suggestions`` holds the nearest names, best first.
    """

    def __init__(self, fr: str, en: str, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(fr, en)
        self.suggestions = suggestions

    def __reduce__(self) -> tuple[type[UnknownCommune], tuple[str, str, tuple[str, ...]]]:  # type: ignore[override]
        return type(self), (self.fr, self.en, self.suggestions)


class NoData(EoError):
    """The source holds nothing of the data set that is asked for."""

    exit_code = 3


class OutOfCoverage(NoData):
    """The source holds the data set, but not over this commune."""


class Unreachable(NoData):
    """A provider's service does not answer, or not as it should."""


class Offline(Unreachable):
    """Nothing was asked: the network is switched off (``EO_HELPERS_OFFLINE``)."""


class Refused(NoData):
    """A provider wants an account, or does not take the one that was given."""


class MissingTool(EoError):
    """Something that this machine lacks (an optional library, a browser)."""


@contextmanager
def reading(paths: Path | Iterable[Path]) -> Iterator[None]:
    """Around what opens a stranger's file: whatever a library makes of it is one sentence.

    Formats are read by a dozen libraries, and a damaged file makes each of them raise errors
    of its own, documented or not. The reader's own errors (:class:`EoError`) pass.

    Parameters
    ----------
    paths : Path or iterable of Path
        The files, for the sentence.

    Raises
    ------
    InvalidInput
        For any other error; the library's is its cause.
    """
    try:
        yield
    except EoError:
        raise
    except Exception as error:
        files = [Path(paths)] if isinstance(paths, str | Path) else [Path(p) for p in paths]
        name = ", ".join(p.name for p in files[:3])
        reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        for path in files:
            reason = reason.replace(f"{path.parent}/", "")
        raise InvalidInput(
            f"« {name} » ne peut pas être lu ({reason[:160]}) : fichier abîmé, tronqué ou d'un "
            "autre type ; téléchargez-le à nouveau.",
            f"'{name}' cannot be read ({reason[:160]}): damaged, cut short, or of another type; "
            "download it again.",
        ) from error
