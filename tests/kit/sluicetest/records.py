"""Kafka's record batches (magic 2, no compression) by hand: what kcat cannot write or show, byte for byte: header values that are
no text, times."""

import struct


def _table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


_CRC32C = _table()


def _crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = _CRC32C[(crc ^ byte) & 0xff] ^ crc >> 8
    return crc ^ 0xffffffff


def _varint(n):
    n = n << 1 ^ n >> 63
    out = bytearray()
    while n & ~0x7f:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def _field(data):
    return _varint(-1) if data is None else _varint(len(data)) + data


def _record(index, key, value, headers):
    body = b"\0" + _varint(0) + _varint(index) + _field(key) + _field(value) + _varint(len(headers))
    for name, content in headers:
        body += _field(name.encode()) + _field(content)
    return _varint(len(body)) + body


def encode(timestamp, records):
    """A batch of (key, value, [(header, bytes)]), all of one time."""
    body = struct.pack(">hiqqqhii", 0, len(records) - 1, timestamp, timestamp, -1, -1, -1, len(records))
    body += b"".join(_record(i, *r) for i, r in enumerate(records))
    tail = struct.pack(">ibI", -1, 2, _crc32c(body)) + body
    return struct.pack(">qi", 0, len(tail)) + tail


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def varint(self):
        n = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            n |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return n >> 1 ^ -(n & 1)

    def field(self):
        size = self.varint()
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size:self.at]


def decode(data):
    """(offset, timestamp, timestamp type, key, value, [(header, bytes)]) of each record of some batches; one that is cut off at
    the end is left out, and so are those that end transactions."""
    at = 0
    while at + 61 <= len(data):
        base, size = struct.unpack_from(">qi", data, at)
        if at + 12 + size > len(data):
            return
        attributes, _, first, latest, _, _, _, count = struct.unpack_from(">hiqqqhii", data, at + 21)
        if attributes & 7:
            raise ValueError("a compressed batch")
        r = _Reader(data[at + 61:at + 12 + size])
        for _ in range(0 if attributes & 0x20 else count):
            r.varint()
            r.at += 1
            time, offset = first + r.varint(), base + r.varint()
            key, value = r.field(), r.field()
            headers = [(r.field().decode(), r.field()) for _ in range(r.varint())]
            yield offset, latest if attributes & 8 else time, attributes >> 3 & 1, key, value, headers
        at += 12 + size
