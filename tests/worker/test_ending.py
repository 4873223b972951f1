"""The end of a worker whose threads broke: a process ends at once, with 1, and says the kind of the error only."""

import subprocess
import sys

PROGRAM = """
from threading import Event
from worker.writing import Writer

class Engine:
    def begin(self):
        raise LookupError("secret")

class Claimed:
    key = ("acme", "secret", None)

class Ended:
    claimed = Claimed()

writer = Writer(engine=Engine(), written=None)
writer.start()
writer.put(Ended())
Event().wait(30)
"""


def test_a_process_does_not_outlive_its_writer() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=25)
    assert ended.returncode == 1
    told = ended.stdout + ended.stderr
    assert "LookupError" in told
    assert "secret" not in told
