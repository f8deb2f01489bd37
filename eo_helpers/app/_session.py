"""What a session may cost: run in its kernel before anything else."""

from __future__ import annotations

import sys

__all__ = ["limit_memory", "startup_arguments"]


def limit_memory(megabytes: int) -> bool:
    """Hold this process to that much memory of its own; beyond, Python raises MemoryError.

    Parameters
    ----------
    megabytes : int
        Private data (Linux: ``RLIMIT_DATA``, which does not count shared libraries) or
        address space (``RLIMIT_AS``) where the system knows nothing better.

    Returns
    -------
    bool
        False where the system has no such limit (Windows).
    """
    try:
        import resource
    except ImportError:
        return False
    kind = resource.RLIMIT_DATA if sys.platform.startswith("linux") else resource.RLIMIT_AS
    _, hard = resource.getrlimit(kind)
    wanted = megabytes * 2**20
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    try:
        # Both, so that nothing in the session can lift it again.
        resource.setrlimit(kind, (wanted, wanted))
    except (ValueError, OSError):  # macOS refuses limits below what is mapped already
        return False
    return True


def startup_arguments(megabytes: int) -> list[str]:
    """Arguments of ``ipykernel``: the limit (none for 0), and no history of what is run.

    IPython keeps what is run in one database of the user's, which sixty sessions that start
    at once would lock for one another, on a thread of each.
    """
    quiet = ["--HistoryManager.enabled=False"]
    if not megabytes:
        return quiet
    line = f"__import__('eo_helpers.app._session').app._session.limit_memory({megabytes})"
    return [*quiet, f"--IPKernelApp.exec_lines={line}"]
