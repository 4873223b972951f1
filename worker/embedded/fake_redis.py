"""The pure-Python Redis in a process of its own. For trying only: no password, nothing kept, no Lua."""

import signal
import sys
import threading

import fakeredis


def main() -> None:
    """Serve on loopback until SIGTERM. Standard input carries the line `port N`."""
    settings = dict(line.split(maxsplit=1) for line in sys.stdin.read().splitlines())
    with fakeredis.TcpFakeServer(("127.0.0.1", int(settings["port"]))) as server:
        # Each reply of a transaction is a packet of its own: 11 Celery tasks/s with Nagle's algorithm, 700 without.
        setattr(server.RequestHandlerClass, "disable_nagle_algorithm", True)  # noqa: B010 - its type does not say so
        server.daemon_threads = True  # a client that stays connected must not keep us alive
        # shutdown() waits for serve_forever(), which the handler interrupts: only another thread can call it.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
