"""Free TCP ports on localhost, below the range from which the kernel hands out ports of outgoing connections.

As a program: ports.py [N] prints the first of N neighbouring free ports.
"""

import random
import socket
import sys

LOW, HIGH = 18000, 32000


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(count=1):
    """The first of `count` neighbouring ports that were free a moment ago; chosen at random, so that two test processes
    which ask at the same time get different ones."""
    for _ in range(1000):
        first = random.SystemRandom().randrange(LOW, HIGH - count)
        if all(is_free(first + i) for i in range(count)):
            return first
    raise RuntimeError("no %d free neighbouring ports" % count)


if __name__ == "__main__":
    print(free_port(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
