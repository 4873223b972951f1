"""The pure-Python Redis in a process of its own, configured over standard input like the real one. For trying only."""

import signal
import sys
import threading

import fakeredis


def main() -> None:
    """Serve until SIGTERM. Standard input carries the lines `port N` and `requirepass PASSWORD`."""
    settings = dict(line.split(maxsplit=1) for line in sys.stdin.read().splitlines())
    server = fakeredis.TcpFakeServer(("127.0.0.1", int(settings["port"])))
    server.daemon_threads = True  # a client that stays connected must not keep us alive
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    _set_password(server.fake_server, settings["requirepass"])
    with server:
        server.serve_forever(poll_interval=0.05)


def _set_password(server: fakeredis.FakeServer, password: str) -> None:
    client = fakeredis.FakeRedis(server=server)
    client.config_set("requirepass", password)
    client.close()


if __name__ == "__main__":
    main()
