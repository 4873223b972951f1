"""Who may: keys of applications, in either header; everybody else hears what to do."""

import httpx
import pytest
from sqlalchemy import Engine

from tests.console.server.conftest import Tenant
from tests.console.server.serving import Caller, Server, caller, said
from tests.console.server.test_bodies import refused
from tests.waiting import wait_until
from tests.worker.line_stage import rows
from worker.store import keys, members


def test_a_key_counts_in_either_header(shop: Caller, tenant: Tenant, server: Server) -> None:
    assert shop.post(said()).status_code == 200
    with caller(server, None) as other:
        assert other.post(said(), x_api_key=tenant.token).status_code == 200
        assert other.post(said(), authorization=f"bearer {tenant.token}").status_code == 200


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", "There is no key; send `Authorization: Bearer atk_…`"),
        ("Bearer", "There is no key; send `Authorization: Bearer atk_…`"),
        ("Basic dXNlcjpwYXNz", "There is no key; send `Authorization: Bearer atk_…`"),
        ("Bearer sk-1234", "There is no such key; `aftertag key create"),
        ("Bearer atk_nobodys", "There is no such key; `aftertag key create"),
        ("Bearer atk_" + "x" * 5_000, "There is no such key; `aftertag key create"),
    ],
)
def test_without_a_key_that_counts_nobody_comes_in(server: Server, header: str, told: str) -> None:
    with caller(server, None) as somebody:
        answer = somebody.post(said(), **({"authorization": header} if header else {}))
    assert refused(answer, 401, "unauthorized").startswith(told)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_persons_key_may_not_hand_in_generations(server: Server, tenant: Tenant, shared_engine: Engine) -> None:
    with shared_engine.begin() as connection:
        members.create(connection, tenant.workspace, "ada", role="admin")
        made = keys.create_for_member(connection, tenant.workspace, "laptop", member="ada", role="admin")
    with caller(server, made.token) as ada:
        message = refused(ada.post(said()), 403, "forbidden")
    assert message.startswith("The key 'laptop' is a person's, of the role admin;")


def test_a_revoked_key_ends_within_seconds_also_for_who_has_just_used_it(
    shop: Caller, tenant: Tenant, shared_engine: Engine
) -> None:
    assert shop.post(said()).status_code == 200
    with shared_engine.begin() as connection:
        keys.revoke(connection, tenant.workspace, "key")

    def ended() -> httpx.Response | None:
        answer = shop.post(said())
        return answer if answer.status_code != 200 else None

    answer = wait_until(ended, what="the end of a revoked key")
    assert answer is not None
    assert refused(answer, 401, "unauthorized").startswith("The key 'key' was revoked;")


def test_a_key_is_stamped_as_used_once_a_minute(shop: Caller, tenant: Tenant, shared_engine: Engine) -> None:
    last_used = "select last_used_at from api_keys where workspace = :w"
    assert rows(shared_engine, last_used, w=tenant.workspace) == [None]
    shop.post(said())
    (first,) = rows(shared_engine, last_used, w=tenant.workspace)
    assert first is not None
    with shared_engine.begin() as connection:  # a look-up that finds it fresh leaves it
        assert keys.bearer(connection, keys.digest(tenant.token)) is not None
    assert rows(shared_engine, last_used, w=tenant.workspace) == [first]


def test_a_key_in_the_body_or_the_address_does_not_count(server: Server, tenant: Tenant) -> None:
    with caller(server, None) as somebody:
        answer = somebody.post({**said(), "api_key": tenant.token}, path=f"/v1/generations?key={tenant.token}")
        assert answer.status_code == 401
    assert tenant.token not in server.log
