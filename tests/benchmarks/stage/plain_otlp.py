"""The plain design for OTLP, to compare with: protobuf's own `MessageToDict`, and one transaction for each span.

The same uvicorn, the same reading of conventions, the same statements. It checks no key and bounds nothing.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from api_hooks import wire
from console.server.otlp import documents, json_form
from console.server.otlp.lately import Lately
from worker import recording
from worker.metrics import Metrics
from worker.outage import Impatience
from worker.recorder import Recorder
from worker.store import engine as engines

WORKSPACE = "bench"


def main() -> None:
    recorder = Recorder(
        engine=engines.connect(os.environ["PLAIN_DATABASE_URL"], application="plain"),
        past=timedelta(days=1),
        patience=Impatience(),
        ring=lambda endpoint, keys: None,
        has_room=lambda endpoint: True,
        metrics=Metrics(),
    )

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        _record(recorder, bytes(body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(application, port=0, log_config=None, access_log=False, lifespan="off", ws="none")
    listening = config.bind_socket()
    print(json.dumps({"ready at": f" ready http://127.0.0.1:{listening.getsockname()[1]}"}), flush=True)
    uvicorn.Server(config).run(sockets=[listening])


def _record(recorder: Recorder, body: bytes) -> None:
    spans = json_form.spans_of(MessageToDict(ExportTraceServiceRequest.FromString(body))).spans
    for document in documents.read(spans, workspace="bench", lately=Lately()).documents:
        built = wire.generation(
            {**document, "workspace": WORKSPACE}, now=datetime.now(UTC), random_bytes=os.urandom(10)
        )
        recording.record(recorder, {"v": wire.VERSION, "generations": [built]})


if __name__ == "__main__":
    main()
