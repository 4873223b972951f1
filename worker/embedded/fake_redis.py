"""The pure-Python Redis in a process of its own. For trying only: it knows no password and is slow."""

import signal
import sys
import threading

import fakeredis


def main() -> None:
    """Serve on loopback until SIGTERM. Standard input carries the line `port N`."""
    settings = dict(line.split(maxsplit=1) for line in sys.stdin.read().splitlines())
    with fakeredis.TcpFakeServer(("127.0.0.1", int(settings["port"]))) as server:
        server.daemon_threads = True  # a client that stays connected must not keep us alive
        # shutdown() waits for serve_forever(), which the handler interrupts: only another thread can call it.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main()
