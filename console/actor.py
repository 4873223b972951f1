"""Who works on the command line, so that configuration and its costs are somebody's."""

import getpass
import os


def operating_system_user() -> str:
    """Return the name of the account, or `uid-1000` where a number has none, as in containers."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid-{os.getuid()}"
