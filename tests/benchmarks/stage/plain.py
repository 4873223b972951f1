"""The plain design, to compare with: one Celery task per generation, a synchronous call, one UPDATE each.

Stock Celery on the same Redis, the same rows, the same renderer, request body and answer check. What it leaves out
(claims, leases, retries, budgets, spend) makes it faster than a design that could replace ours.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Any

import httpx
from celery import Celery
from sqlalchemy import Engine, text

from classifier_models.dialects import chat
from classifier_models.endpoints import Endpoint
from classifier_models.question import Prepared, Question, prepare
from taxonomies.answer import read_answer
from taxonomies.definition import ClassifierDefinition
from worker import transcript
from worker.store import engine as engines

CONNECTIONS = 100

_one_at_a_time = Lock()

app = Celery("plain", broker=os.environ.get("PLAIN_REDIS_URL"), set_as_current=False)
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    task_default_queue="plain",
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    # Beside the threads pool's default there is nothing to tune: one message is one generation.
    task_acks_late=False,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What one process needs, made at its first task: after the fork."""

    engine: Engine
    http: httpx.Client
    endpoint: Endpoint
    definition: ClassifierDefinition = field(repr=False)
    prepared: Prepared = field(repr=False)


@app.task(name="plain.classify", shared=False)  # type: ignore[untyped-decorator]
def classify(workspace: str, id: str, created_at: str) -> None:  # noqa: A002
    tools = _tools()
    key = {"workspace": workspace, "id": id, "created_at": created_at}
    with tools.engine.begin() as connection:
        turns, names = connection.execute(
            text("""
            select turns, tools from transcripts
            where workspace = :workspace and generation_id = :id and created_at = :created_at
            """),
            key,
        ).one()
    question = _question(tools, turns, names)
    (content,) = chat.contents(tools.endpoint, question, "json_schema")
    headers = {"Content-Type": "application/json", **chat.headers(tools.endpoint)}
    response = tools.http.post(chat.url(tools.endpoint), content=content, headers=headers)
    answer: Mapping[str, Any] = response.raise_for_status().json()
    tags = read_answer(tools.definition.taxonomy, answer["choices"][0]["message"]["content"])
    with tools.engine.begin() as connection:
        connection.execute(
            text("""
            update generations set tags = cast(:tags as jsonb)
            where workspace = :workspace and id = :id and created_at = :created_at
            """),
            {**key, "tags": json.dumps(tags)},
        )


def _question(tools: Tools, turns: list[Any], names: list[str]) -> Question:
    rendered = transcript.render(turns, names, left_out=0, prompts_only=False, characters=400_000)
    return Question(prepared=tools.prepared, model=tools.definition.model, transcript=rendered.text)


def _tools() -> Tools:
    with _one_at_a_time:
        return _made()


@cache
def _made() -> Tools:
    engine = engines.connect(os.environ["PLAIN_DATABASE_URL"], application="plain", connections=CONNECTIONS)
    with engine.connect() as connection:
        document = connection.execute(text("select definition from classifier_versions")).scalar_one()
    definition = ClassifierDefinition.model_validate(document)
    # Its limits are the client's own: without them, 100 threads get 168 instead of 257 through in a second.
    http = httpx.Client(timeout=60)
    endpoint = Endpoint(name="bench", base_url=os.environ["PLAIN_MODEL_URL"], dialect="chat", api_key="bench-key")
    return Tools(
        engine=engine,
        http=http,
        endpoint=endpoint,
        definition=definition,
        prepared=prepare(definition.taxonomy, definition.prompt, mark="bench"),
    )
