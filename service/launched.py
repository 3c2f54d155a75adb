"""Becomes a server that ends when whoever started it ends; run as a script, in a child, before the server's program.

The parent-death signal is set here and not between fork and exec of the parent: it must come after the change of
user, which clears it, and Python code between fork and exec is unsafe once the parent has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(signal: int, parent: int, user: int, group: int, program: list[str]) -> None:
    if os.geteuid() == 0 and user != 0:
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
        if os.getppid() != parent:  # it died before the signal was arranged
            sys.exit("whoever started this server is gone")
    os.execv(program[0], program)  # noqa: S606  no shell, and the path is our own


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
