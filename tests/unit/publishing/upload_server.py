"""A server on this machine that takes uploads as the hub does: repositories, large files, one commit."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.unit.serving import serving

TOKEN = "hf_right"
OWNER = "laboratory"
LARGE_SUFFIXES = (".safetensors", ".parquet", ".mp4")


@dataclass
class Repository:
    """A repository: its files by path, how many commits there were, and at which one tags are."""

    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0
    tags: dict[str, int] = field(default_factory=dict)


@dataclass
class Hub:
    """The server's repositories by kind and name, large files, log and failures to come."""

    endpoint: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    fail: dict[str, int] = field(default_factory=dict)


@contextmanager
def serve() -> Iterator[Hub]:
    """Yield a hub that answers until the block ends."""
    hub = Hub()

    class Handler(_Handler):
        state = hub

    with serving(Handler) as hub.endpoint:
        yield hub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Hub

    def log_message(self, format: str, *args: Any) -> None:
        return

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def do_PUT(self) -> None:
        self._handle()

    def do_DELETE(self) -> None:
        self._handle()

    def _handle(self) -> None:
        path = unquote(urlsplit(self.path).path)
        line = f"{self.command} {path}"
        self.state.requests.append(line)
        body = self._body()
        for part, status in self.state.fail.items():
            if part in line:
                self._answer(status, {"error": f"refused: {part}"})
                return
        if path.startswith("/blobs/"):
            self.state.blobs[path.removeprefix("/blobs/")] = body
            self._answer(200, {})
        elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"error": "Invalid credentials"})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._answer(200, {"errors": [], "warnings": []})
        elif path.endswith("/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        else:
            _, _, kind, owner, name, *rest = path.split("/")
            self._repository(f"{kind}/{owner}/{name}", rest, body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = b""
            while size := int(self.rfile.readline(), 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _create(self, asked: dict[str, Any]) -> None:
        if asked["organization"] != OWNER:
            self._answer(403, {"error": f"you may not create in {asked['organization']}"})
            return
        name = f"{asked.get('type', 'model')}s/{OWNER}/{asked['name']}"
        status = 409 if name in self.state.repositories else 200
        private = asked["visibility"] == "private"
        self.state.repositories.setdefault(name, Repository(private))
        url = f"{self.state.endpoint}/{name.removeprefix('models/')}"
        self._answer(status, {"url": url, "error": "exists"})

    def _repository(self, name: str, rest: list[str], body: bytes) -> None:
        repository = self.state.repositories.get(name)
        if repository is None:
            self._answer(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        elif not rest:
            entry = {"id": name.partition("/")[2], "private": repository.private, "tags": []}
            self._answer(200, {**entry, "sha": "a" * 40, "siblings": []})
        elif rest[0] == "preupload":
            paths = [file["path"] for file in json.loads(body)["files"]]
            modes = {p: "lfs" if p.endswith(LARGE_SUFFIXES) else "regular" for p in paths}
            files = [{"path": p, "uploadMode": modes[p], "shouldIgnore": False} for p in paths]
            self._answer(200, {"files": files})
        elif rest[0] == "commit":
            self._commit(name, [json.loads(line) for line in body.splitlines()])
        elif rest[0] == "tag" and self.command == "POST":
            status = 409 if json.loads(body)["tag"] in repository.tags else 200
            repository.tags.setdefault(json.loads(body)["tag"], repository.commits)
            self._answer(status, {})
        elif rest[0] == "tag":
            known = repository.tags.pop(rest[1], None) is not None
            self._answer(200 if known else 404, {}, {"X-Error-Code": "RevisionNotFound"})

    def _batch(self, asked: dict[str, Any]) -> None:
        objects = []
        for each in asked["objects"]:
            href = {"href": f"{self.state.endpoint}/blobs/{each['oid']}"}
            known = each["oid"] in self.state.blobs
            objects.append({**each, **({} if known else {"actions": {"upload": href}})})
        self._answer(200, {"transfer": "basic", "objects": objects})

    def _commit(self, name: str, entries: list[dict[str, Any]]) -> None:
        repository = self.state.repositories[name]
        for entry in entries:
            value = entry["value"]
            if entry["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                blob = self.state.blobs[value["oid"]]
                assert hashlib.sha256(blob).hexdigest() == value["oid"]
                repository.files[value["path"]] = blob
        repository.commits += 1
        url = f"{self.state.endpoint}/{name.removeprefix('models/')}/commit/{'b' * 40}"
        self._answer(200, {"commitUrl": url, "commitOid": "b" * 40, "success": True})

    def _answer(
        self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
