"""`aftertag set-aside`: messages that could not be recorded."""

from dataclasses import asdict
from typing import Annotated

import typer

from console import options, output, session


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(list_)
    group.command("replay")(replay)
    app.add_typer(group, name="set-aside", help="Messages that could not be recorded: look at them, put them back.")


def list_(
    workspace: Annotated[str | None, typer.Option("--workspace", "-w", help="Only of this workspace.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    show: Annotated[
        int | None, typer.Option(metavar="ID", help="Write this message's body, as it came, to standard output.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List what was set aside, the newest first: when, from where, why, how large.

    Bodies may hold text of generations, so only --show writes one. At most 10,000 messages, 256 MB and 30 days are
    kept, and of each message its first megabyte.
    """
    from worker import errors
    from worker.store import set_aside

    with session.engine() as engine, engine.connect() as connection:
        if show is not None:
            bodies = set_aside.bodies_of(connection, [show])
            if not bodies:
                raise errors.NotFoundError(
                    f"There is no set-aside message {show}; `aftertag set-aside list` shows those there are."
                )
            output.line(bodies[0].body.decode(errors="backslashreplace"))
            return
        found = set_aside.newest(connection, workspace=workspace, limit=limit)
    if as_json:
        output.json_object([{**asdict(one), "is_whole": one.is_whole} for one in found])
        return
    output.table(
        "Set aside",
        ["id", "since (UTC)", "source", "queue", "workspace", "bytes", "replayed (UTC)", "error"],
        [
            (one.id, one.set_aside_at, one.source, one.queue, one.workspace, one.size_bytes, one.replayed_at, one.error)
            for one in found
        ],
        empty="nothing",
    )


def replay(
    id_: Annotated[
        list[int] | None, typer.Option("--id", metavar="ID", help="This message; give it again for more.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every message that was not replayed yet.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Put messages back where they came from, after what was wrong has been mended.

    Each is checked again like any: one that fails again is set aside again, in a row of its own.
    """
    from worker import broker_state, errors, replaying
    from worker.store import set_aside

    if bool(id_) == all_:
        raise errors.InvalidRequestError("Say which messages: --id ID, or --all.")
    with session.engine() as engine:
        if id_:
            ids = id_
        else:
            with engine.connect() as connection:
                ids = set_aside.waiting_ids(connection)
        with broker_state.connect(session.redis_url()) as client:
            done = replaying.replay(engine, client, ids)
    if as_json:
        output.json_object(asdict(done))
    else:
        output.line(f"Put back: {len(done.ids)} of {len(set(ids))}.")
        for sentence in done.problems:
            output.problem(sentence)
    if done.problems:
        raise typer.Exit(1)
