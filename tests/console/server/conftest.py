"""One server process for all tests of a module, each test in a workspace and with a key of its own."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.conftest import database
from tests.console.server.serving import Caller, Server, address_of, caller, serving
from worker.store import engine as engines
from worker.store import keys, workspaces

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A workspace with an application's key."""

    workspace: str
    token: str


@pytest.fixture(scope="module")
def shared_engine(postgres_url: str, migrated_template: str) -> Iterator[Engine]:
    with database(postgres_url, template=migrated_template) as url:
        engine = engines.connect(url, connections=4)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def server(shared_engine: Engine, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    url = address_of(shared_engine)
    with serving(url, redis_url, tmp_path_factory.mktemp("server")) as made:
        yield made


def tenant_in(engine: Engine, *, application: str = "shop") -> Tenant:
    """A new workspace, and a key of an application in it."""
    name = f"acme-{next(_numbers)}"
    with engine.begin() as connection:
        workspaces.create(connection, name)
        made = keys.create_for_application(connection, name, "key", application=application)
    return Tenant(workspace=name, token=made.token)


@pytest.fixture
def tenant(shared_engine: Engine) -> Tenant:
    return tenant_in(shared_engine)


@pytest.fixture
def shop(server: Server, tenant: Tenant) -> Iterator[Caller]:
    """An application of the tenant's, at the server that all tests of the module share."""
    with caller(server, tenant.token) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a server of the test's own writes its log."""
    return tmp_path
