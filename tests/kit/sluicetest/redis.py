"""A small RESP2 client: bytes in, bytes out; status replies are str, integers int, nil None."""

import socket


class RedisError(AssertionError):
    pass


class Redis:
    def __init__(self, host, port, password=None, timeout=10.0):
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")
        if password:
            self.command("AUTH", password)

    def command(self, *args):
        return self.pipeline([args])[0]

    __call__ = command

    def pipeline(self, commands):
        """Sends all, then reads all answers; an error answer is raised after all were read."""
        out = []
        for args in commands:
            parts = [_bytes(a) for a in args]
            out.append(b"*%d\r\n" % len(parts))
            out.extend(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)
        self.socket.sendall(b"".join(out))
        answers = [self._read() for _ in commands]
        for answer in answers:
            if isinstance(answer, RedisError):
                raise answer
        return answers

    def _read(self):
        line = self.reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self.reader.read(size + 2)[:-2]
        if kind == b"*":
            size = int(rest)
            return None if size < 0 else [self._read() for _ in range(size)]
        raise RedisError("not RESP2: %r" % line)

    def hgetall(self, key):
        flat = self.command("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))

    def close(self):
        self.reader.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def _bytes(value):
    return value if isinstance(value, bytes) else str(value).encode()
