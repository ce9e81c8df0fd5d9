"""What the main job has to deliver, computed in Python: every change of engagement_events as a joined row.

Statements are made here and run by the caller in the order in which they are made; each commits before the next. Each change
carries a number of its own (raw_payload.v), so that what arrives can be told apart.
"""

import collections
import json
import random
import uuid
from decimal import ROUND_HALF_UP, Decimal

FIELDS = ["id", "content_id", "user_id", "event_type", "event_ts", "duration_ms", "device", "raw_payload", "content_type",
          "length_seconds", "engagement_seconds", "engagement_pct"]
COLUMNS = ",".join(FIELDS[:8])
EVENT_TYPES = ("play", "pause", "finish", "click")
CONTENT_TYPES = ("podcast", "newsletter", "video", None)
DEVICES = ("ios", "android", None, "", "Küche \"5\" \\ 'x'\ttab", "日本\n語", "\U0001f3a7")

SOURCE_SQL = """
CREATE TABLE content (id UUID PRIMARY KEY, slug TEXT UNIQUE NOT NULL, title TEXT NOT NULL, content_type TEXT,
  length_seconds INTEGER, publish_ts TIMESTAMPTZ NOT NULL);
CREATE TABLE engagement_events (id BIGINT PRIMARY KEY, content_id UUID, user_id UUID, event_type TEXT,
  event_ts TIMESTAMPTZ NOT NULL, duration_ms INTEGER, device TEXT, raw_payload JSONB);
"""


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
    return "'%s'" % text.replace("'", "''")


def copy_text(value):
    if value is None:
        return "\\N"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def engagement(duration_ms, length_seconds):
    """(seconds, percent) as the issue defines them: exact, half up, null without duration or a length above 0."""
    if duration_ms is None:
        return None, None
    seconds = Decimal(duration_ms) / 1000
    if length_seconds is None or length_seconds <= 0:
        return seconds, None
    return seconds, (100 * seconds / length_seconds).quantize(Decimal("0.01"), ROUND_HALF_UP)


class Model:
    def __init__(self, seed=1, contents=50):
        self.rng = random.Random(seed)
        self.contents = {self.content_id(i): None for i in range(contents)}
        self.events = {}  # id -> row as it stands in the source
        self.keys = []  # of events, and of some that went: see pick. Not of those that stay: insert_to_stay
        self.rows = {}  # id -> joined row as the targets must have it
        self.history = collections.defaultdict(list)  # id -> its changes: number, None for a delete
        self.by_number = {}  # number -> joined row
        self.number = self.deleted = 0
        self.next_id = 1
        self.streaming = False
        self.snapshot_numbers = set()

    @staticmethod
    def content_id(i):
        return str(uuid.UUID(int=0xabcdef << 64 | i))

    # Content ---------------------------------------------------------------------------------------------------------------

    def random_content(self):
        return self.rng.choice(CONTENT_TYPES), self.rng.choice((None, 0, -1, 1, 60, 180, 200, 3600, 7))

    def insert_all_content(self):
        rows = []
        for i, key in enumerate(self.contents):
            self.contents[key] = kind, length = self.random_content()
            rows.append("('%s','slug-%d','Title %d',%s,%s,now())" % (key, i, i, literal(kind), literal(length)))
        return "INSERT INTO content VALUES " + ",".join(rows) + ";\n"

    def update_content(self, key=None, value=None):
        key = key or self.rng.choice(list(self.contents))
        self.contents[key] = kind, length = value or self.random_content()
        return "INSERT INTO content VALUES ('%s','slug-%s','T',%s,%s,now()) ON CONFLICT (id) DO UPDATE SET content_type=%s," \
            "length_seconds=%s;\n" % (key, key, *map(literal, (kind, length, kind, length)))

    def delete_content(self, key):
        self.contents.pop(key)
        return "DELETE FROM content WHERE id='%s';\n" % key

    # Events ----------------------------------------------------------------------------------------------------------------

    def joined(self, row):
        kind, length = self.contents.get(row["content_id"]) or (None, None)
        seconds, percent = engagement(row["duration_ms"], length)
        return dict(row, content_type=kind, length_seconds=length, engagement_seconds=seconds, engagement_pct=percent)

    def pick(self):
        """A row of the source by chance."""
        while True:
            i = self.rng.randrange(len(self.keys))
            if self.keys[i] in self.events:
                return self.keys[i]
            self.keys[i] = self.keys[-1]
            self.keys.pop()

    def change(self, row):
        """The row is what stands in the source now: its joined form is what must arrive."""
        if row["id"] not in self.events:
            self.keys.append(row["id"])
        self.events[row["id"]] = row
        self.rows[row["id"]] = self.by_number[row["raw_payload"]["v"]] = self.joined(row)
        self.history[row["id"]].append(row["raw_payload"]["v"])
        if not self.streaming:
            self.snapshot_numbers.add(row["raw_payload"]["v"])

    def new_row(self, **given):
        rng = self.rng
        self.number += 1
        stamp = "2026-02-%02dT%02d:%02d:%02d.%06dZ" % (rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59),
                                                       rng.randint(0, 59), rng.randint(0, 999999))
        row = {"id": self.next_id, "content_id": rng.choice(list(self.contents) + [None, self.content_id(10**6)]),
               "user_id": str(uuid.UUID(int=rng.getrandbits(128))), "event_type": rng.choice(EVENT_TYPES), "event_ts": stamp,
               "duration_ms": rng.choice((None, 0, 1, 2010, 60000, rng.randint(0, 7200000))), "device": rng.choice(DEVICES),
               "raw_payload": {"v": self.number, "é": "\u00fc\"\\"}}
        row.update(given)
        if "id" not in given:
            self.next_id += 1
        return row

    def insert(self, rows=1, **given):
        made = [self.new_row(**given) for _ in range(rows)]
        for row in made:
            self.change(row)
        return "INSERT INTO engagement_events (%s) VALUES %s;\n" % (
            COLUMNS, ",".join("(%s)" % ",".join(literal(row[f]) for f in FIELDS[:8]) for row in made))

    def insert_to_stay(self):
        """Of a row that pick never finds: who waits for it may look for it as long as they like."""
        text = self.insert()
        self.keys.pop()
        return text

    def copy(self, rows):
        made = [self.new_row() for _ in range(rows)]
        for row in made:
            self.change(row)
        lines = "".join("\t".join(copy_text(row[f]) for f in FIELDS[:8]) + "\n" for row in made)
        return "COPY engagement_events (%s) FROM STDIN;\n%s\\.\n" % (COLUMNS, lines)

    def update(self, key=None, **given):
        key = key or self.pick()
        row = self.new_row(id=key, **given)
        self.change(row)
        return "UPDATE engagement_events SET %s WHERE id=%d;\n" % (
            ",".join("%s=%s" % (f, literal(row[f])) for f in FIELDS[1:8]), key)

    def delete(self, key=None):
        key = key or self.pick()
        del self.events[key], self.rows[key]
        self.history[key].append(None)
        self.deleted += 1
        return "DELETE FROM engagement_events WHERE id=%d;\n" % key

    def move(self, key=None):
        """The primary key changes: a delete of the old and an insert of the new."""
        key = key or self.pick()
        self.number += 1
        row = dict(self.events.pop(key), id=self.next_id, raw_payload={"v": self.number})
        self.next_id += 1
        del self.rows[key]
        self.history[key].append(None)
        self.deleted += 1
        self.change(row)
        return "UPDATE engagement_events SET id=%d, raw_payload=%s WHERE id=%d;\n" % (row["id"], literal(row["raw_payload"]), key)

    # Load ------------------------------------------------------------------------------------------------------------------

    def step(self, room):
        """(statements, number of changes): mostly single changes, sometimes a transaction or a COPY, at most room changes."""
        before, dice = self.total(), self.rng.random()
        if dice < 0.0005 and room >= 1000:
            half = self.insert(500) + "".join(self.update() for _ in range(300))
            text = "BEGIN;\n" + half + self.update_content() + self.insert(100) + "".join(
                self.delete() for _ in range(100)) + "COMMIT;\n"
        elif dice < 0.0015 and room >= 200:
            text = self.copy(200)
        elif dice < 0.02:
            text = self.update_content()
        elif dice < 0.6 or len(self.events) < 50:
            text = self.insert()
        elif dice < 0.85:
            text = self.update()
        elif dice < 0.99:
            text = self.delete()
        else:
            text = self.move()
        return text, self.total() - before

    def total(self):
        """Changes that a target of everything must get: rows and deletes."""
        return self.number + self.deleted
