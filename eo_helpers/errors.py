"""The package's own errors: one clear sentence each, in French and in English.

Every error that a user can cause is an :class:`EoError`. ``str(error)`` is the
French sentence (what is wrong, where, what to do); ``error.en`` the English
one. ``exit_code`` is what the command line returns.
"""

from __future__ import annotations

__all__ = [
    "EoError",
    "InvalidInput",
    "MissingTool",
    "NoData",
    "Offline",
    "OutOfCoverage",
    "Refused",
    "Unreachable",
    "UnknownCommune",
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
