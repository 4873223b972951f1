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


def test_members_are_made_and_listed(aftertag: CommandLine) -> None:
    aftertag.done("workspace", "create", "acme", "--as", "ada")
    assert aftertag.done("member", "create", "bob", "-w", "acme").stdout == "'bob' is a member of 'acme'.\n"
    assert aftertag.done("member", "add", "eve", "-w", "acme", "--role", "admin", "--json").json["role"] == "admin"
    shown = aftertag.done("member", "list", "-w", "acme").stdout
    assert [line.split()[:2] for line in shown.splitlines() if "20" in line] == [
        ["ada", "admin"],
        ["bob", "member"],
        ["eve", "admin"],
    ]
    told = aftertag.refused("member", "create", "bob", "-w", "acme", "--role", "admin")
    assert "a member of 'acme' already" in told
    assert "`aftertag member role NAME admin --workspace acme`" in told
    assert "no workspace 'nope'" in aftertag.refused("member", "list", "-w", "nope")


def test_a_role_is_changed_and_no_key_may_do_more_than_its_owner(aftertag: CommandLine) -> None:
    aftertag.done("workspace", "create", "acme", "--as", "eve")
    aftertag.done("member", "create", "ada", "-w", "acme")
    role = ("member", "role", "ada")
    assert aftertag.done(*role, "admin", "-w", "acme").stdout == "'ada' is an admin of 'acme'.\n"
    assert aftertag.done(*role, "admin", "-w", "acme").stdout == "'ada' is an admin of 'acme' already.\n"
    for name in ("admin", "member"):
        aftertag.done("key", "create", name, "-w", "acme", "--member", "ada", "--role", name)
    told = aftertag.done(*role, "member", "-w", "acme", "--json").json
    assert told == {"name": "ada", "workspace": "acme", "role": "member", "changed": True, "keys_lowered": 1}
    assert {one["role"] for one in aftertag.done("key", "list", "-w", "acme", "--json").json} == {"member"}
    assert "'bob' is no member of 'acme'" in aftertag.refused("member", "role", "bob", "admin", "-w", "acme")
    assert aftertag(*role, "owner", "-w", "acme").exit_code == 2


def test_who_leaves_keeps_their_name_in_history_and_loses_their_keys(aftertag: CommandLine) -> None:
    aftertag.done("workspace", "create", "acme", "--as", "eve")
    aftertag.done("member", "create", "ada", "-w", "acme", "--role", "admin")
    aftertag.done("key", "create", "laptop", "-w", "acme", "--member", "ada", "--role", "admin")
    aftertag.done("classifier", "create", "work", "-w", "acme", "-p", "risk", "--activate", "--as", "ada")
    left = aftertag.done("member", "revoke", "ada", "-w", "acme")
    assert left.stdout == "'ada' is no member of 'acme' any more; keys ended: 1.\n"
    assert "Still active and billed to 'ada', who configured them: work." in left.stderr
    assert aftertag.done("key", "list", "-w", "acme", "--json").json[0]["revoked_at"] is not None
    assert aftertag.done("classifier", "list", "-w", "acme", "--json").json[0]["configured_by"] == "ada"
    listed = {one["name"]: one["revoked_at"] for one in aftertag.done("member", "list", "-w", "acme", "--json").json}
    assert (listed["ada"] is None, listed["eve"] is None) == (False, True)
    again = aftertag.done("member", "revoke", "ada", "-w", "acme", "--json").json
    assert again == {"name": "ada", "workspace": "acme", "changed": False, "keys_ended": 0, "classifiers": ["work"]}


def test_who_was_revoked_can_do_nothing_until_they_are_a_member_again(aftertag: CommandLine) -> None:
    aftertag.done("workspace", "create", "acme", "--as", "eve")
    aftertag.done("member", "create", "ada", "-w", "acme", "--role", "admin")
    aftertag.done("key", "create", "old", "-w", "acme", "--member", "ada")
    aftertag.done("member", "revoke", "ada", "-w", "acme")
    for command in (
        ("classifier", "create", "work", "-w", "acme", "-p", "risk", "--as", "ada"),
        ("key", "create", "new", "-w", "acme", "--member", "ada"),
        ("member", "role", "ada", "admin", "-w", "acme"),
    ):
        told = aftertag.refused(*command)
        assert told.startswith("'ada' was revoked and is no member of 'acme' any more;")
    assert aftertag.done("member", "create", "ada", "-w", "acme").stdout == "'ada' is a member of 'acme'.\n"
    aftertag.done("key", "create", "new", "-w", "acme", "--member", "ada")
    keys = {one["name"]: one["revoked_at"] for one in aftertag.done("key", "list", "-w", "acme", "--json").json}
    assert (keys["old"] is None, keys["new"] is None) == (False, True)
    assert "'bob' is no member of 'acme'" in aftertag.refused("member", "revoke", "bob", "-w", "acme")


def test_the_help_of_keys_says_what_they_are_for(aftertag: CommandLine) -> None:
    shown = " ".join(aftertag.done("key", "create", "--help").stdout.split())
    for words in ("aftertag serve", "AFTERTAG_KEY", "AFTERTAG_URL"):
        assert words in shown
    assert "create" in aftertag.done("member", "--help").stdout
    assert "add" not in aftertag.done("member", "--help").stdout.split()


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
