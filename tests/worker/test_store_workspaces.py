from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, text

from tests.worker.meeting import wait_until_somebody_waits
from worker import errors
from worker.store import keys, members, workspaces


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


def test_a_workspace_is_made_once_and_listed_by_name(connection: Connection) -> None:
    workspaces.create(connection, "beta", keep_text_days=0)
    workspaces.create(connection, "acme")
    with pytest.raises(errors.ConflictError, match="'acme' already"):
        workspaces.create(connection, "acme")
    assert [(found.name, found.keep_text_days) for found in workspaces.list_all(connection)] == [
        ("acme", 30),
        ("beta", 0),
    ]


@pytest.mark.parametrize("name", ["", "Acme", "a b", "-a", "a" * 64, "a\x00", "\udcff", "é"])
def test_a_name_that_is_no_slug_is_refused_and_never_found(connection: Connection, name: str) -> None:
    with pytest.raises(errors.InvalidRequestError, match="cannot name a workspace"):
        workspaces.create(connection, name)
    with pytest.raises(errors.NotFoundError):
        workspaces.find(connection, name)
    with pytest.raises(errors.NotFoundError):
        workspaces.lock(connection, name)


@pytest.mark.parametrize("days", [-1, 3_651])
def test_text_is_kept_for_a_bounded_number_of_days(connection: Connection, days: int) -> None:
    with pytest.raises(errors.InvalidRequestError, match="use 0"):
        workspaces.create(connection, "acme", keep_text_days=days)


def test_keeping_text_can_be_changed_later(connection: Connection) -> None:
    workspaces.create(connection, "acme")
    assert workspaces.update(connection, "acme", keep_text_days=7).keep_text_days == 7
    with pytest.raises(errors.NotFoundError):
        workspaces.update(connection, "beta", keep_text_days=7)


def test_the_first_person_at_the_command_line_is_an_admin_and_the_next_a_member(connection: Connection) -> None:
    workspaces.create(connection, "acme")
    first = members.acting(connection, "acme", "ada")
    members.acting(connection, "acme", "bob")
    assert members.acting(connection, "acme", "ada") == first
    assert [(found.name, found.role) for found in members.list_all(connection, "acme")] == [
        ("ada", "admin"),
        ("bob", "member"),
    ]


def test_of_two_people_who_are_first_at_the_same_moment_one_is_the_admin(engine: Engine) -> None:
    with engine.begin() as connection:
        workspaces.create(connection, "acme")

    def second() -> None:
        with engine.begin() as connection:
            members.acting(connection, "acme", "bob")

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            members.acting(connection, "acme", "ada")
            ended = pool.submit(second)
            wait_until_somebody_waits(engine, what="a second person waiting for the workspace")
        ended.result(timeout=10)
    with engine.begin() as connection:
        assert [found.role for found in members.list_all(connection, "acme")] == ["admin", "member"]


def test_a_name_stands_for_one_member(connection: Connection) -> None:
    workspaces.create(connection, "acme")
    members.create(connection, "acme", "ada", role="admin")
    with pytest.raises(errors.ConflictError, match="a member of 'acme' already"):
        members.create(connection, "acme", "ada")
    with pytest.raises(errors.InvalidRequestError):
        members.create(connection, "acme", "a\nb")
    with pytest.raises(errors.NotFoundError, match="no workspace 'beta'"):
        members.create(connection, "beta", "ada")


def test_a_token_is_kept_as_a_hash_only(connection: Connection) -> None:
    workspaces.create(connection, "acme")
    made = keys.create_for_application(connection, "acme", "gateway", application="gateway")
    row = connection.execute(text("select *, api_keys::text as everything from api_keys")).mappings().one()
    assert made.token.startswith("atk_")
    assert len(made.token) > 40
    assert bytes(row["hash"]) == keys.digest(made.token)
    assert row["prefix"] == made.token[: keys.PREFIX_CHARACTERS]
    secret = made.token[keys.PREFIX_CHARACTERS :]
    assert secret not in row["everything"]
    assert secret not in repr(made)
    assert secret not in repr(keys.list_all(connection, "acme"))


def test_a_key_belongs_to_an_application_or_to_a_member_and_never_exceeds_its_owner(connection: Connection) -> None:
    workspaces.create(connection, "acme")
    members.create(connection, "acme", "ada", role="admin")
    members.create(connection, "acme", "bob")
    assert keys.create_for_application(connection, "acme", "hook", application="shop").key.role == "ingest"
    assert keys.create_for_member(connection, "acme", "ada", member="ada", role="admin").key.member == "ada"
    with pytest.raises(errors.InvalidRequestError, match="'bob' is no admin"):
        keys.create_for_member(connection, "acme", "bob", member="bob", role="admin")
    with pytest.raises(errors.NotFoundError, match="'eve' is no member"):
        keys.create_for_member(connection, "acme", "eve", member="eve")


def test_a_revoked_key_stays_in_the_record_with_its_name(connection: Connection) -> None:
    workspaces.create(connection, "acme")
    keys.create_for_application(connection, "acme", "hook", application="shop")
    assert keys.revoke(connection, "acme", "hook")
    assert not keys.revoke(connection, "acme", "hook")
    assert keys.find(connection, "acme", "hook").revoked_at is not None
    with pytest.raises(errors.ConflictError, match="choose another name"):
        keys.create_for_application(connection, "acme", "hook", application="shop")
    with pytest.raises(errors.NotFoundError, match="no key 'nothing'"):
        keys.revoke(connection, "acme", "nothing")


def test_a_key_of_another_workspace_is_not_found(connection: Connection) -> None:
    workspaces.create(connection, "acme")
    workspaces.create(connection, "beta")
    keys.create_for_application(connection, "acme", "hook", application="shop")
    assert keys.list_all(connection, "beta") == []
    with pytest.raises(errors.NotFoundError):
        keys.revoke(connection, "beta", "hook")
