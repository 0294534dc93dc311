"""A schema registry over HTTP that has every schema it is asked for, and under further ids what a test puts into it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class RegistryServer:
    """Serves `schemas`, by id, for as long as the context lasts."""

    def __init__(self) -> None:
        self.schemas: dict[int, str] = {}
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                schema = registry.schemas.get(int(self.path.rsplit("/", 1)[-1])) if self.path.startswith("/schemas/ids/") else None
                self._answer(*((200, {"schema": schema}) if schema else (404, {"error_code": 40403, "message": "not found"})))

            def do_POST(self) -> None:
                schema = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["schema"]
                ids = {known: number for number, known in registry.schemas.items()}
                number = ids.setdefault(schema, len(ids) + 1)
                registry.schemas[number] = schema
                self._answer(200, {"id": number})

            def _answer(self, status: int, answer: dict[str, Any]) -> None:
                body = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
