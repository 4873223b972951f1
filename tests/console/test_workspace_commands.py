import getpass

import psycopg
import pytest

from tests.console.command_line import CommandLine, on


@pytest.fixture
def aftertag(database_url: str) -> CommandLine:
    return on(database_url)


def test_whoever_makes_a_workspace_is_its_admin(aftertag: CommandLine) -> None:
    aftertag.done("workspace", "create", "acme")
    aftertag.done("workspace", "create", "beta", "--as", "ada", "--keep-text-days", "0")
    assert [(one["name"], one["keep_text_days"]) for one in aftertag.done("workspace", "list", "--json").json] == [
        ("acme", 30),
        ("beta", 0),
    ]
    mine = aftertag.done("member", "list", "-w", "acme", "--json").json
    assert [(member["name"], member["role"]) for member in mine] == [(getpass.getuser(), "admin")]
    hers = aftertag.done("member", "list", "-w", "beta", "--json").json
    assert [(member["name"], member["role"]) for member in hers] == [("ada", "admin")]


def test_a_workspace_is_made_once(aftertag: CommandLine) -> None:
    aftertag.done("workspace", "create", "acme")
    told = aftertag.refused("workspace", "create", "acme")
    assert told == "There is a workspace 'acme' already; choose another name."
    assert "cannot name a workspace" in aftertag.refused("workspace", "create", "Acme Inc.")


def test_how_long_text_is_kept_can_be_changed(aftertag: CommandLine) -> None:
    aftertag.done("workspace", "create", "acme")
    told = aftertag.done("workspace", "update", "acme", "--keep-text-days", "0").stdout
    assert told == "Workspace 'acme': text is not kept after classification.\n"
    assert aftertag("workspace", "update", "acme", "--keep-text-days", "-1").exit_code == 2


def test_lists_of_nothing_say_what_to_do(aftertag: CommandLine) -> None:
    assert "aftertag workspace create" in aftertag.done("workspace", "list").stdout
    assert aftertag.done("workspace", "list", "--json").json == []
    aftertag.done("workspace", "create", "acme")
    assert "aftertag key create" in aftertag.done("key", "list", "-w", "acme").stdout
    assert "aftertag classifier create" in aftertag.done("classifier", "list", "-w", "acme").stdout


def test_members_are_added_and_listed(aftertag: CommandLine) -> None:
    aftertag.done("workspace", "create", "acme", "--as", "ada")
    assert aftertag.done("member", "add", "bob", "-w", "acme").stdout == "'bob' is a member of 'acme'.\n"
    assert aftertag.done("member", "add", "eve", "-w", "acme", "--role", "admin", "--json").json["role"] == "admin"
    shown = aftertag.done("member", "list", "-w", "acme").stdout
    assert [line.split()[:2] for line in shown.splitlines() if "20" in line] == [
        ["ada", "admin"],
        ["bob", "member"],
        ["eve", "admin"],
    ]
    assert "a member of 'acme' already" in aftertag.refused("member", "add", "bob", "-w", "acme")
    assert "no workspace 'nope'" in aftertag.refused("member", "list", "-w", "nope")


def test_a_keys_token_is_shown_once_and_stands_nowhere_else(aftertag: CommandLine, database_url: str) -> None:
    aftertag.done("workspace", "create", "acme", "--as", "ada")
    first = aftertag.done("key", "create", "shop", "-w", "acme", "--application", "shop").stdout.strip()
    second = aftertag.done("key", "create", "ada", "-w", "acme", "--member", "ada", "--role", "admin", "--json").json
    assert first.startswith("atk_")
    assert second["token"].startswith("atk_")
    listed = (
        aftertag.done("key", "list", "-w", "acme").stdout + aftertag.done("key", "list", "-w", "acme", "--json").stdout
    )
    with psycopg.connect(database_url) as connection:
        stored = str(connection.execute("select * from api_keys").fetchall())
    for token in (first, second["token"]):
        assert token[:12] in listed
        assert token[12:] not in listed + stored
        assert token[:16] not in listed + stored


def test_a_key_is_of_one_owner(aftertag: CommandLine) -> None:
    aftertag.done("workspace", "create", "acme", "--as", "ada")
    key = ("key", "create", "k", "-w", "acme")
    assert aftertag(*key).exit_code == 2
    assert aftertag(*key, "--application", "shop", "--member", "ada").exit_code == 2
    assert aftertag(*key, "--application", "shop", "--role", "admin").exit_code == 2
    assert "'bob' is no member of 'acme'" in aftertag.refused(*key, "--member", "bob")
    aftertag.done("member", "add", "bob", "-w", "acme")
    assert "'bob' is no admin" in aftertag.refused(*key, "--member", "bob", "--role", "admin")


def test_a_key_is_revoked_once(aftertag: CommandLine) -> None:
    aftertag.done("workspace", "create", "acme")
    aftertag.done("key", "create", "shop", "-w", "acme", "--application", "shop")
    assert aftertag.done("key", "revoke", "shop", "-w", "acme").stdout == "Key 'shop' is revoked.\n"
    assert "was revoked before" in aftertag.done("key", "revoke", "shop", "-w", "acme").stdout
    assert aftertag.done("key", "list", "-w", "acme", "--json").json[0]["revoked_at"] is not None
    again = aftertag.done("key", "revoke", "shop", "-w", "acme", "--json").json
    assert again == {"name": "shop", "workspace": "acme", "changed": False}
    assert "There is no key 'other'" in aftertag.refused("key", "revoke", "other", "-w", "acme")
