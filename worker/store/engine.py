"""One SQLAlchemy engine per process, made at the edge and handed in by keyword."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from worker import errors

CONNECT_TIMEOUT_SECONDS = 5
SILENT_PEER = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A server whose machine is gone is noticed within some 25 s; libpq leaves these out on a Unix socket."""
STATEMENT_TIMEOUT_SECONDS = 60

_READ_ONLY = "25006"  # a primary that became a standby, until connections reach the new one
_OVER_A_LIMIT = "54"  # an index entry or a statement that is too large: psycopg calls these operational too
_CHECK_VIOLATION = "23514"
_CANCELLED = "57014"  # by its timeout, most often
_NO_LOCK_LEFT = "53200"  # "out of shared memory": all locks of the server are taken, by whoever it is
_OTHERS_IN_THE_WAY = ("40001", "40P01", "55P03", _NO_LOCK_LEFT)  # serialization, deadlock, lock timeout

PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Before each further try of a statement that others are in the way of; then it counts as refused."""


def connect(database_url: str, *, application: str = "aftertag", connections: int = 8) -> Engine:
    """Make the engine for `database_url` (postgresql://…); connects on first use.

    JIT is off because it costs 50 ms and more on a first run over many partitions. Every statement is planned for its
    own bounds: a plan kept for all bounds read a whole day (26,000 rows, 0.8 s) to write 200 tags. Pages of the last days are
    in memory, out of order hardly dearer: with Postgres' default of 4 for that, a claim of one id read a day of 3,000
    rows. A statement ends after 60 s so that a stuck server cannot keep a worker for ever. Raise SettingsError for an
    address that is none.
    """
    try:
        url = make_url(database_url).set(drivername="postgresql+psycopg")
    except ArgumentError as error:
        raise errors.SettingsError(
            "AFTERTAG_DATABASE_URL is not a database address; write postgresql://user:password@host:5432/name."
        ) from error
    options = (
        "-c jit=off -c plan_cache_mode=force_custom_plan -c random_page_cost=1.1"
        f" -c timezone=UTC -c statement_timeout={STATEMENT_TIMEOUT_SECONDS * 1000}"
    )
    return create_engine(
        url,
        pool_size=connections,
        max_overflow=connections,
        pool_pre_ping=True,
        hide_parameters=True,  # a failed statement's parameters hold text of generations
        connect_args={
            "options": options,
            "application_name": application,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            **SILENT_PEER,
        },
    )


def is_outage(error: BaseException) -> bool:
    """Whether Postgres is away or refuses for now, so that the same statement may pass later.

    What a statement is refused for by itself (its data, its size, its time) is no outage: it would be tried for ever.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, NoConnectionError)  # all of the pool's are taken, most often by statements that hang
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlstate", None) or ""
    if code == _READ_ONLY:
        return True
    if is_hindered(error):
        return False
    return isinstance(error, OperationalError | InterfaceError) and not code.startswith(_OVER_A_LIMIT)


def is_in_the_way(error: BaseException) -> bool:
    """Whether others hold what the statement needs (a deadlock, a lock, room for one): it may pass in a moment."""
    return _sqlstate(error) in _OTHERS_IN_THE_WAY


def has_no_lock_left(error: BaseException) -> bool:
    """Whether the server's lock table was full: others may be done in a moment, and the operator has to enlarge it."""
    return _sqlstate(error) == _NO_LOCK_LEFT


def is_hindered(error: BaseException) -> bool:
    """Whether Postgres stopped the statement for what it met rather than for what it is: its time, or others."""
    return _sqlstate(error) == _CANCELLED or is_in_the_way(error)


def _sqlstate(error: BaseException) -> str | None:
    return getattr(getattr(error, "orig", None), "sqlstate", None)


def is_missing_partition(error: DBAPIError) -> bool:
    """Whether a row found no day to go into; none of the four large tables refuses a row of ours by another check."""
    return getattr(error.orig, "sqlstate", None) == _CHECK_VIOLATION


def clock_seconds(engine: Engine) -> float:
    """The database's clock, in Unix seconds; the line lives by it."""
    with engine.connect() as connection:
        return float(connection.execute(text("select extract(epoch from clock_timestamp())")).scalar_one())


def answers(engine: Engine) -> bool:
    """Whether Postgres takes a statement now."""
    try:
        with engine.connect() as connection:
            connection.execute(text("select 1"))
    except (DBAPIError, NoConnectionError):
        return False
    return True


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Hand out a connection whose statements stand alone: locks on the days that one looked into go with it."""
    with engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def connecting(database_url: str, *, application: str = "aftertag") -> Iterator[Engine]:
    """Hand out an engine for a short while, and close its connections at the end."""
    engine = connect(database_url, application=application, connections=2)
    try:
        yield engine
    finally:
        engine.dispose()
