"""Become another program that ends when its parent ends, as the account it was lent.

Run by path, in an interpreter of its own: Popen's `preexec_fn` would do the same in a fork of a process that may
have threads, which CPython warns of. Standard library only: nothing else is on the path here.

    python -I -S launch.py PARENT_PID DEATH_SIGNAL UID GID PROGRAM [ARGUMENT...]      (UID - and GID -: our own)
"""

import ctypes
import os
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str]) -> None:
    """Replace this process. Exit with 1 when the parent has died already, 127 when there is no such program."""
    parent_pid, death_signal, uid, gid, *command = arguments
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if sys.platform == "linux":
        # After the change of account, which clears it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != int(parent_pid):
            sys.exit(1)  # the parent died before the kernel knew of our wish
    try:
        os.execv(command[0], command)  # noqa: S606 - a fixed program, its arguments are ours
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
