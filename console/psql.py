"""Which psql to run, and with what: the address as its argument, the password in its environment only."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from worker import errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Psql:
    """A program with its arguments and what its environment has to hold beside the usual."""

    program: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)


def order(database_url: str, arguments: tuple[str, ...]) -> Psql:
    """Return how to run psql on `database_url`. Raise NotFoundError when there is none on this machine."""
    address, password = split_password(database_url)
    environment = {"PGAPPNAME": "aftertag sql", "PGCONNECT_TIMEOUT": "5"}
    if password is not None:
        environment["PGPASSWORD"] = password
    return Psql(program=find(), arguments=("psql", address, *arguments), environment=environment)


def split_password(database_url: str) -> tuple[str, str | None]:
    """Return the address without its password, in the form that libpq reads, and the password."""
    found = urlsplit(database_url)
    query = parse_qsl(found.query, keep_blank_values=True)
    user, _, host = found.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    netloc = f"{name}@{host}" if user else host
    options = [(key, value) for key, value in query if key != "password"]
    in_query = dict(query).get("password")
    asked = "&".join(f"{key}={quote(value, safe='/')}" for key, value in options)  # libpq reads %20, not +
    address = f"postgresql://{netloc}{found.path}" + (f"?{asked}" if asked else "")
    return address, unquote(password) if colon else in_query


def find() -> str:
    """Return the psql on the PATH, else the one that comes with the embedded PostgreSQL."""
    from worker.embedded.errors import NoServiceProgramError
    from worker.embedded.postgres import find_programs

    if on_path := shutil.which("psql"):
        return on_path
    try:
        shipped: Path | None = find_programs() / "psql"
    except NoServiceProgramError:
        shipped = None
    if shipped is None or not shipped.exists():
        raise errors.NotFoundError(
            "There is no psql on this machine; install PostgreSQL's client, or run `pip install 'aftertag[all]'`."
        )
    return str(shipped)
