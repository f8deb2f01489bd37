"""Downloads against a small server of our own: token, resumption, verification."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from lighting_tiles import box_commune, write_tile
from local_server import QUICK

from eo_helpers.errors import InvalidInput, NoData
from eo_helpers.lighting import download as module
from eo_helpers.lighting.download import TOKEN, download, tiles_of


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """A server that cuts the first answer of each file short, and knows ranges."""
    made = tmp_path / "archive"
    made.mkdir()
    path = write_tile(made, "2022-02", 2.0)
    content = path.read_bytes()
    seen: list[tuple[str, str | None]] = []
    state = {"size": len(content), "cut": True, "content": content}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            seen.append((self.path, self.headers.get("Range")))
            if self.headers.get("Authorization") != "Bearer secret":
                self.send_error(401)
            elif self.path.endswith("/2022/032.json"):
                rows = [{"name": path.name, "size": state["size"]},
                        {"name": path.name.replace("h18", "h01"), "size": 5}]  # fmt: skip
                self.answer(200, json.dumps({"content": rows}).encode())
            elif self.path.endswith(path.name):
                start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
                body = state["content"][start:]
                total = len(state["content"])
                place = {"Content-Range": f"bytes {start}-{total - 1}/{total}"} if start else {}
                cut = state["cut"] and not start
                self.answer(206 if start else 200, body, cut=cut, **place)
            else:
                self.send_error(404)

        def answer(self, status, body, cut=False, **headers):
            self.send_response(status)
            for header, value in headers.items():
                self.send_header(header, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = cut

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv(TOKEN, "secret")
    monkeypatch.setattr(module, "POLICY", QUICK)
    yield f"http://127.0.0.1:{server.server_port}/5200", seen, state, tmp_path / "got", path.name
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_cut_download_goes_on_and_is_not_asked_again(archive):
    url, seen, state, folder, name = archive
    # A month that the archive lacks is not an error; other tiles are not fetched.
    got = download(["2022-02", "2022-03"], ["h18v04"], folder, archive=url)
    assert got == [folder / name] and got[0].read_bytes() == state["content"]
    path = f"/5200/VNP46A3/2022/032/{name}"
    have = state["size"] // 2
    assert [a for a in seen if a[0] == path] == [(path, None), (path, f"bytes={have}-")]
    before = len(seen)
    assert download(["2022-02"], ["h18v04"], folder, archive=url) == got
    assert len(seen) == before + 1  # the listing only
    assert [p.name for p in folder.iterdir()] == [name]


def test_what_is_not_a_tile_is_not_kept(archive):
    url, _, state, folder, name = archive
    state["cut"] = False
    state["content"] = b"<html>maintenance</html>"
    with pytest.raises(InvalidInput, match="page web"):
        download(["2022-02"], ["h18v04"], folder, archive=url)
    state["content"] = b"not a tile"
    with pytest.raises(InvalidInput, match="taille"):
        download(["2022-02"], ["h18v04"], folder, archive=url)
    state["size"] = len(state["content"])
    with pytest.raises(InvalidInput, match=name.removesuffix(".h5")):
        download(["2022-02"], ["h18v04"], folder, archive=url)
    assert list(folder.iterdir()) == []


def test_tokens_and_networks_that_fail_are_said(archive, monkeypatch):
    url, _, _, folder, _ = archive
    monkeypatch.setenv(TOKEN, "wrong")
    with pytest.raises(InvalidInput, match="refuse") as error:
        download(["2022-02"], ["h18v04"], folder, archive=url)
    assert "wrong" not in error.value.fr
    with pytest.raises(NoData, match="injoignable"):
        download(["2022-02"], ["h18v04"], folder, archive="http://127.0.0.1:9/none")
    with pytest.raises(InvalidInput, match="produit"):
        download(["2022-02"], ["h18v04"], folder, product="MOD11")
    monkeypatch.delenv(TOKEN)
    with pytest.raises(InvalidInput, match=TOKEN):
        download(["2022-02"], ["h18v04"], folder, archive=url)


def test_tiles_come_from_the_formula():
    assert tiles_of(box_commune(2, 45, 2.5, 45.5)) == ["h18v04"]
    assert tiles_of(box_commune(-0.2, 49.9, 0.2, 50.1)) == ["h17v03", "h18v03", "h17v04", "h18v04"]
    assert tiles_of(box_commune(-61.2, 14.6, -60.9, 14.9)) == ["h11v07"]


class Granule(dict):
    def __init__(self, link, size):
        about = [{"Name": link.rsplit("/", 1)[1], **({"SizeInBytes": size} if size else {})}]
        super().__init__(umm={"DataGranule": {"ArchiveAndDistributionInformation": about}})
        self.link = link

    def data_links(self, access):
        return [self.link] if access == "external" else []


@pytest.mark.parametrize("told", ["size", "no size", "refused", "no answer"])
def test_the_catalogue_is_asked_first_and_the_archive_where_it_fails(archive, monkeypatch, told):
    earthaccess = pytest.importorskip("earthaccess")
    url, seen, state, folder, name = archive
    state["cut"] = False
    asked = []

    def login(strategy):
        assert strategy == "environment"
        if told == "refused":
            raise RuntimeError("no")
        return SimpleNamespace(authenticated=True)

    def search_data(**query):
        asked.append(query)
        if told == "no answer":
            raise ConnectionError("no")
        size = state["size"] if told == "size" else None
        links = [
            f"{url}/VNP46A3/2022/032/{name}",
            f"{url}/x/{name.replace('A2022032', 'A2022001')}",
        ]
        return [Granule(link, size) for link in links]

    monkeypatch.setattr(earthaccess, "login", login)
    monkeypatch.setattr(earthaccess, "search_data", search_data)
    monkeypatch.setattr(module, "ARCHIVE", url)
    got = download(["2022-02"], ["h18v04"], folder, archive=url)
    assert got == [folder / name] and got[0].read_bytes() == state["content"]
    listed = any(path.endswith(".json") for path, _ in seen)
    assert listed == (told != "size")
    if told != "refused":
        assert asked[0]["short_name"] == "VNP46A3" and asked[0]["granule_name"] == "*h18v04*"
        assert asked[0]["temporal"] == ("2022-02-01", "2022-02-01")
