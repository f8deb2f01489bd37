"""Visitors of « Ma commune » with real websockets, on this machine only.

``python -m benchmarks.serving_load --sessions 5 20 --seconds 60`` starts the server on the
demonstration, lets that many visitors load the page, connect and pick
communes one after the other with a pause in between, and prints: errors, median and 95th
percentile from pick to the last theme's answer, from load to a page that listens, and memory
a session (PSS of the kernels, and of the whole server divided by its sessions).

A first visitor has every example answered before the clock starts: answers that nobody asked
before are computed, and would dominate the times. To see serving with small answers, let
hand-made ones stand behind it: start ``tests/browser/fake_answers.py FILE`` and
set ``EO_HELPERS_SERVICE=FILE``.

``--sessions 20 --seconds 3600 --stay 120 --every 60`` is a soak: visitors leave after two minutes
or so and others come, and a line a minute says how memory stands.

A visitor here does what the page's JavaScript does on the socket; drawing in the browser is
not in the times (``benchmarks/dashboard.py`` measures it with a real browser, one at a time).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import psutil
import websocket

from eo_helpers.app._forkserver import NAME

ROOT = Path(__file__).resolve().parent.parent


#: What Jupyter's front end speaks: binary, the parts of a message one after the other.
PROTOCOL = "v1.kernel.websocket.jupyter.org"


def message(kind: str, content: dict, metadata: dict | None = None) -> bytes:
    header = {
        "msg_id": os.urandom(8).hex(), "username": "", "session": "load", "msg_type": kind,
        "version": "5.3",
    }  # fmt: skip
    parts = [b"shell", *(json.dumps(x).encode() for x in (header, {}, metadata or {}, content))]
    places = [8 * (len(parts) + 2)]
    for part in parts:
        places.append(places[-1] + len(part))
    numbers = (len(places), *places)
    return b"".join(n.to_bytes(8, "little") for n in numbers) + b"".join(parts)


class Visitor(threading.Thread):
    """Loads the page, picks communes until told to stop, leaves."""

    def __init__(
        self, url: str, stop: threading.Event, pause: float, wait: float, stay: float = 0.0
    ) -> None:
        super().__init__(daemon=True)
        self.url, self.stop, self.pause, self.patience = url, stop, pause, wait
        self.stay = stay
        self.loads: list[float] = []
        self.picks: list[float] = []
        self.waited = 0
        self.errors: list[str] = []
        self.listening = threading.Event()

    def run(self) -> None:
        while True:
            try:
                self._visit()
            except Exception as error:  # noqa: BLE001 - counted and shown
                self.errors.append(f"{type(error).__name__}: {error}"[:200])
            if not self.stay or self.stop.wait(1.0):
                return

    def _visit(self) -> None:
        began = time.monotonic()
        while True:
            try:
                page = self.url + "voila/render/ma_commune.ipynb"
                with urllib.request.urlopen(page, timeout=self.patience) as answer:
                    text = answer.read().decode()
                    cookies = answer.headers.get_all("Set-Cookie", [])
                break
            except urllib.error.HTTPError as error:
                if error.code != 503 or self.stop.is_set():
                    raise
                self.waited += 1
                self.stop.wait(float(error.headers["Retry-After"]))
        found = re.search(r'"kernelId": "([^"]+)"', text)
        if found is None:
            raise RuntimeError("a page without a session")
        kernel = found.group(1)
        cookie = "; ".join(c.split(";")[0] for c in cookies)
        host = self.url.split("/")[2]
        channel = websocket.create_connection(
            f"ws://{host}/api/kernels/{kernel}/channels?session_id=load", origin=f"http://{host}",
            subprotocols=[PROTOCOL], cookie=cookie, timeout=self.patience, http_no_proxy=["*"],
        )  # fmt: skip
        with contextlib.closing(channel):
            picker, examples = self._picker(channel)
            self.loads.append(time.monotonic() - began)
            self.listening.set()
            self._use(channel, picker, examples)
        token = re.search(r"_xsrf=([^;]+)", cookie)
        leave = urllib.request.Request(
            f"{self.url}voila/api/shutdown/{kernel}",
            data=f"_xsrf={token.group(1) if token else ''}".encode(), headers={"Cookie": cookie},
        )  # fmt: skip
        urllib.request.urlopen(leave, timeout=self.patience).close()

    def _use(self, channel: websocket.WebSocket, picker: str, examples: list[dict]) -> None:
        """Pick until told to stop, or until it is time to leave."""
        leave = time.monotonic() + random.uniform(0.5, 1.5) * (self.stay or 1e9)
        while not self.stop.is_set() and time.monotonic() < leave:
            self._pick(channel, picker, random.choice(examples))
            self.stop.wait(random.uniform(0.5, 1.5) * self.pause)

    def _picker(self, channel: websocket.WebSocket) -> tuple[str, list[dict]]:
        """Ask for the widgets' states, as Voilà's front end does; the picker is one of them."""
        until = time.monotonic() + self.patience
        while time.monotonic() < until:
            comm = os.urandom(16).hex()
            about = {"comm_id": comm, "target_name": "jupyter.widget.control", "data": {}}
            # ipywidgets wants to know which edition of its protocol is spoken.
            channel.send_binary(message("comm_open", about, {"version": "1.0.0"}))
            ask = {"comm_id": comm, "data": {"method": "request_states"}}
            channel.send_binary(message("comm_msg", ask))
            while True:
                told = _receive(channel)
                data = told["content"].get("data", {})
                if data.get("method") == "update_states":
                    break
            for name, widget in data["states"].items():
                state = widget["state"]
                if state.get("examples"):
                    return name, state["examples"]
            time.sleep(0.2)
        raise TimeoutError("the page has no picker")

    def _pick(self, channel: websocket.WebSocket, picker: str, place: dict) -> None:
        pick = {"kind": "pick", "insee": place["insee"], "settings": {}}
        began = time.monotonic()
        data = {"method": "custom", "content": pick}
        channel.send_binary(message("comm_msg", {"comm_id": picker, "data": data}))
        while True:
            told = _receive(channel)
            state = told["content"].get("data", {}).get("state", {})
            if str(state.get("status", "")).startswith("Réponse prête"):
                self.picks.append(time.monotonic() - began)
                return
            if time.monotonic() - began > self.patience:
                raise TimeoutError(f"no answer within {self.patience:.0f} s")


class First(Visitor):
    """The one before all others: has every example answered, so that it is kept on disk."""

    def _use(self, channel: websocket.WebSocket, picker: str, examples: list[dict]) -> None:
        for place in examples:
            self._pick(channel, picker, place)


def _receive(channel: websocket.WebSocket) -> dict:
    """The content of the next message, and of what kind it is."""
    raw = channel.recv()
    count = int.from_bytes(raw[:8], "little")
    at = [int.from_bytes(raw[8 * (n + 1) : 8 * (n + 2)], "little") for n in range(count)]
    return {"header": json.loads(raw[at[1] : at[2]]), "content": json.loads(raw[at[4] : at[5]])}


def is_kernel(process: psutil.Process) -> bool:
    """A session's kernel, forked (known by its name) or started by itself."""
    return process.name() == NAME or "ipykernel_launcher" in " ".join(process.cmdline())


def memory(pid: int) -> tuple[float, float, int]:
    """MB of the whole server, of its kernels, and how many kernels (PSS where it is known)."""
    whole = kernels = 0.0
    count = 0
    parent = psutil.Process(pid)
    for process in [parent, *parent.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            told = process.memory_full_info()
            size = getattr(told, "pss", told.uss) / 2**20
            whole += size
            if is_kernel(process):
                kernels += size
                count += 1
    return whole, kernels, count


@contextlib.contextmanager
def server(sessions: int, preheat: int, extra: list[str]):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "eo_helpers.cli", "serve", "--no-browser", "--port", str(port)]
    command += ["--sessions", str(sessions), "--preheat", str(preheat), *extra]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    url = f"http://127.0.0.1:{port}/"
    for line in child.stderr or ():
        if url in line:
            break
    else:
        raise SystemExit(f"the server did not start (exit code {child.wait()})")
    threading.Thread(target=lambda: list(child.stderr or ()), daemon=True).start()
    try:
        yield url, child.pid
    finally:
        child.terminate()
        child.wait(60)


def quantile(values: list[float], share: float) -> float:
    if len(values) < 2:
        return values[0] if values else float("nan")
    return statistics.quantiles(values, n=100, method="inclusive")[round(100 * share) - 1]


def watch(pid: int, visitors: list[Visitor], seconds: float, every: float) -> None:
    """Wait; meanwhile, every so often, say how memory stands (standard error)."""
    began = time.monotonic()
    if every:
        print("| minutes | kernels | MB a kernel | MB whole server | picks | errors |\n"
              "|--:|--:|--:|--:|--:|--:|", file=sys.stderr)  # fmt: skip
    while (left := seconds - (time.monotonic() - began)) > 0:
        time.sleep(min(left, every or left))
        if every:
            whole, kernels, many = memory(pid)
            picks = sum(len(v.picks) for v in visitors)
            errors = sum(len(v.errors) for v in visitors)
            print(
                f"| {(time.monotonic() - began) / 60:.1f} | {many} | {kernels / max(many, 1):.0f} "
                f"| {whole:.0f} | {picks} | {errors} |",
                file=sys.stderr, flush=True,
            )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--seconds", type=float, default=60.0, help="of picking, for each row")
    parser.add_argument("--pause", type=float, default=5.0, help="between two picks, mean")
    parser.add_argument("--limit", type=int, help="sessions that the server lets in")
    parser.add_argument("--patience", type=float, default=240.0)
    parser.add_argument("--stay", type=float, default=0.0, help="mean seconds of a visit, then "
                        "the next one; 0: one visit each")  # fmt: skip
    parser.add_argument("--every", type=float, default=0.0, help="seconds between two looks at "
                        "memory while it runs; 0: none")  # fmt: skip
    options, extra = parser.parse_known_args()
    print(
        "| sessions | errors | picks | pick p50 (s) | pick p95 (s) | load p50 (s) | load p95 (s) "
        "| waiting pages | MB a kernel | MB whole server / session | load of the machine |"
    )
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    for count in options.sessions:
        with server(options.limit or count, 2, extra) as (url, pid):
            stop = threading.Event()
            first = First(url, stop, 0.0, options.patience)
            first.start()
            first.join()
            if first.errors:
                raise SystemExit(f"the first visitor had no answer: {first.errors[0]}")
            asked = (url, stop, options.pause, options.patience, options.stay)
            visitors = [Visitor(*asked) for _ in range(count)]
            for visitor in visitors:
                visitor.start()
                time.sleep(0.2)
            until = time.monotonic() + options.patience
            for visitor in visitors:
                if not options.limit:
                    visitor.listening.wait(max(0.1, until - time.monotonic()))
            watch(pid, visitors, options.seconds, options.every)
            whole, kernels, many = memory(pid)
            load = os.getloadavg()[0]
            stop.set()
            for visitor in visitors:
                visitor.join(options.patience)
        picks = [s for v in visitors for s in v.picks]
        loads = [s for v in visitors for s in v.loads]
        errors = [e for v in visitors for e in v.errors]
        print(
            f"| {count} | {len(errors)} | {len(picks)} | {quantile(picks, 0.5):.2f} | "
            f"{quantile(picks, 0.95):.2f} | {quantile(loads, 0.5):.1f} | "
            f"{quantile(loads, 0.95):.1f} | {sum(v.waited for v in visitors)} | "
            f"{kernels / max(many, 1):.0f} | {whole / max(count, 1):.0f} | {load:.1f} |",
            flush=True,
        )
        for error in sorted(set(errors))[:5]:
            print(f"\n{errors.count(error)} × {error}\n", flush=True)


if __name__ == "__main__":
    main()
