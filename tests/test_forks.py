"""Sessions that are forked from one parent: nothing of one is in another, none is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from traitlets.config import Config

from eo_helpers.app._forkserver import NAME
from eo_helpers.app._provisioner import ForkProvisioner, ForkServer, can_fork, use_forks
from eo_helpers.app._session import startup_arguments
from eo_helpers.app.serve import forking

pytestmark = pytest.mark.skipif(not can_fork(), reason="this system starts each session")


def talk(work) -> None:
    """Run it in a thread: a browser's tests leave a running loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="module")
def forks():
    """One parent for the tests of this file."""
    server = ForkServer()
    server.start()
    yield server
    server.close()


@pytest.fixture
def config(forks, monkeypatch):
    """Jupyter's settings with our provisioner, as the server has them."""
    told = Config()
    monkeypatch.setattr(ForkProvisioner, "forks", None)
    use_forks(told, forks)
    told.KernelManager.transport = "ipc"
    KernelProvisionerFactory.clear_instance()
    KernelProvisionerFactory.instance(config=told)
    yield told
    KernelProvisionerFactory.clear_instance()


class Kernel:
    """A kernel that can be asked to run code, for tests only."""

    def __init__(self, config, folder, secret: str = "") -> None:
        about = folder / f"kernel-{os.urandom(4).hex()}.json"
        self.manager = AsyncKernelManager(
            config=config, kernel_name="python3", connection_file=str(about)
        )
        self.folder, self.secret = folder, secret

    async def __aenter__(self):
        env = {**os.environ, "EO_SECRET": self.secret} if self.secret else dict(os.environ)
        await self.manager.start_kernel(
            env=env, cwd=str(self.folder), extra_arguments=startup_arguments(400)
        )
        self.process = self.manager.provisioner.process
        self.client = self.manager.client()
        self.client.start_channels()
        await self.client.wait_for_ready(timeout=60)
        return self

    async def __aexit__(self, *_):
        self.client.stop_channels()
        await self.manager.shutdown_kernel(now=True)

    async def run(self, code: str) -> str:
        """What the code prints, or the name of its error."""
        said: list[str] = []

        def hear(message):
            if message["msg_type"] == "stream":
                said.append(message["content"]["text"])
            elif message["msg_type"] == "error":
                said.append(message["content"]["ename"])

        await self.client.execute_interactive(code, output_hook=hear, timeout=60)
        return "".join(said).strip()


def gone(pid: int, seconds: float = 10.0) -> bool:
    """No process of that number is left, not even a zombie, within some seconds."""
    until = time.monotonic() + seconds
    while psutil.pid_exists(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_nothing_of_one_session_is_in_another(config, forks, tmp_path):
    pipes = (
        "import os\nfor n in os.listdir('/proc/self/fd'):\n"
        "    try: print(os.readlink(f'/proc/self/fd/{n}') if int(n) > 2 else '')\n"
        "    except OSError: print()"  # the one that listed the folder
    )

    async def two():
        secret = "Zk7-" + os.urandom(6).hex()
        async with (
            Kernel(config, tmp_path, secret) as one,
            Kernel(config, tmp_path) as other,
        ):
            assert one.process.pid != other.process.pid
            # A variable, a library that was patched, a place in the environment.
            await one.run("import html; mine = 3; html.mine = 4; html.escape = str.upper")
            assert await one.run("import os; print(mine, os.environ['EO_SECRET'])") == f"3 {secret}"
            assert await other.run("print(mine)") == "NameError"
            code = "import html; print(html.escape('a<'), hasattr(html, 'mine'))"
            assert await one.run(code) == "A< True"
            assert await other.run(code) == "a&lt; False"
            assert await other.run("import os; print('EO_SECRET' in os.environ)") == "False"
            # Random numbers of Python and of numpy, and names that are drawn.
            drawn = "import random, numpy, uuid; print(random.random(), numpy.random.random())"
            first, second = (await one.run(drawn)).split(), (await other.run(drawn)).split()
            assert first[0] != second[0] and first[1] != second[1]
            # Open files and sockets: the pipe that ends with the server, nothing else.
            shared = set((await one.run(pipes)).split()) & set((await other.run(pipes)).split())
            shared = {x for x in shared if ":[" in x and not x.startswith("anon_inode")}
            assert len(shared) == 1, shared
            assert str(Path(f"/proc/self/fd/{forks._alive}").readlink()) in shared
            # The parent never reads what a session is told: the next child cannot have it.
            assert not found_in_memory(forks.pid, secret.encode())
            assert found_in_memory(one.process.pid, secret.encode())
            assert await one.run("import os; print(os.getcwd())") == str(tmp_path)
            code = "import eo_helpers.app.shell, sys; print('debugpy.server' in sys.modules)"
            assert await one.run(code) == "False"

    talk(two())


def found_in_memory(pid: int, wanted: bytes) -> bool:
    """True if the process holds these bytes anywhere."""
    try:
        memory = Path(f"/proc/{pid}/mem").open("rb")  # noqa: SIM115 - closed below
    except PermissionError:
        pytest.skip("the memory of a child cannot be looked at here")
    with memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            low, high, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if "w" not in rights:
                continue
            with contextlib.suppress(OSError, ValueError, OverflowError):  # not all can be read
                memory.seek(int(low, 16))
                if wanted in memory.read(int(high, 16) - int(low, 16)):
                    return True
    return False


def test_the_limit_of_memory_holds_in_a_fork(config, tmp_path):
    async def greedy():
        async with Kernel(config, tmp_path) as one:
            assert await one.run("kept = bytearray(100 * 2**20); print(len(kept) > 0)") == "True"
            assert await one.run("more = bytearray(500 * 2**20)") == "MemoryError"
            assert await one.run("print(6 * 7)") == "42"

    talk(greedy())


def test_how_a_session_ends_is_seen_and_nothing_is_left(config, tmp_path):
    async def lives():
        async with Kernel(config, tmp_path) as one:
            assert psutil.Process(one.process.pid).name() == NAME
            assert await one.manager.is_alive()
            os.kill(one.process.pid, signal.SIGKILL)
            assert gone(one.process.pid)
            assert not await one.manager.is_alive()
            assert one.process.returncode == -signal.SIGKILL
        async with Kernel(config, tmp_path) as one:
            await one.manager.shutdown_kernel()  # asked to end, as by a page that is closed
            assert one.process.returncode == 0 and gone(one.process.pid)
        async with Kernel(config, tmp_path) as one:
            pid = one.process.pid
        assert gone(pid)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    talk(lives())


def test_sessions_outlive_their_parent_and_the_next_one_has_another(config, forks, tmp_path):
    async def orphan():
        async with Kernel(config, tmp_path) as one:
            await one.run("kept = 5")
            first = forks.pid
            os.kill(first, signal.SIGKILL)
            async with Kernel(config, tmp_path) as other:
                assert forks.pid != first
                assert await one.run("print(kept)") == "5" and await one.manager.is_alive()
                assert await other.run("print(1)") == "1"
            os.kill(one.process.pid, signal.SIGKILL)
            # Whoever adopts orphans here may be slow to bury it: dead all the same.
            until = time.monotonic() + 10
            while await one.manager.is_alive():
                assert time.monotonic() < until
                await asyncio.sleep(0.05)

    talk(orphan())


def test_a_start_that_was_given_up_leaves_no_session(forks, tmp_path):
    code = "import time; time.sleep(600)"
    forked = forks.fork(["ipykernel_launcher", f"--IPKernelApp.exec_lines={code}"], {}, "/")
    pid = forked.pid
    del forked
    gc.collect()
    assert gone(pid)


def test_where_nothing_can_be_forked_a_session_is_started(config, tmp_path, monkeypatch, caplog):
    asked = []

    def broken(self, order):
        asked.append(order)
        raise OSError("no parent today")

    monkeypatch.setattr(ForkServer, "_ask", broken)
    monkeypatch.setattr(ForkProvisioner, "forks", ForkServer())

    async def started():
        async with Kernel(config, tmp_path) as one:
            assert isinstance(one.process, subprocess.Popen)
            assert await one.run("print(6 * 7)") == "42"
        async with Kernel(config, tmp_path) as one:
            assert isinstance(one.process, subprocess.Popen)

    talk(started())
    assert len(asked) == 2  # then no other is tried for a while
    assert "started instead of forked" in caplog.text and "no parent today" in caplog.text


def test_it_can_be_switched_off(monkeypatch):
    with forking(False) as forks:
        assert forks is None
    monkeypatch.setattr(sys, "platform", "darwin")
    with forking(True) as forks:
        assert forks is None


SERVER = """
import os, time
from eo_helpers.app._provisioner import ForkServer
forks = ForkServer()
told = [forks.fork(["ipykernel_launcher"], dict(os.environ), "/") for _ in range(2)]
print(forks.pid, *(one.pid for one in told), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_server(how, tmp_path):
    """However it ends: nobody is left to clean up after a SIGKILL."""
    env = {**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, env=env
    ) as server:
        pids = [int(pid) for pid in server.stdout.readline().split()]
        assert len(pids) == 3 and all(psutil.pid_exists(pid) for pid in pids)
        time.sleep(1)  # the kernels are up
        server.send_signal(how)
    for pid in pids:
        until = time.monotonic() + 10
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < until, pid
            time.sleep(0.05)
