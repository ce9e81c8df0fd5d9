"""Random cases for fuzz_smt.py: chains of transforms with their configurations, predicates, records."""
import base64
import random
import re

P = "org.apache.kafka.connect.transforms."
D = "org.apache.kafka.connect.data."
NAMES = ["a", "b", "c", "d", "e", "a.b", "x y", "ž"]
PRIMITIVES = ["int8", "int16", "int32", "int64", "float", "double", "boolean", "string", "bytes"]
LIMITS = {"int8": 7, "int16": 15, "int32": 31, "int64": 63}
TEXTS = ["", "a", "true", "TRUE", "12", "-7", "+3", " 5", "300", "70000", "3000000000", "1e3", "1.5", "1.", ".5", "NaN", "-Infinity",
         "0x1p3", "1f", "abc", "ž", "2017-01-03", "06:30:01", "2017-01-03T06:30:01.864Z", "{\"k\":1}", "1.5.2", "1e", "99999999999999999999"]


class Gen:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.present = []  # fields of the record at hand

    def chance(self, p):
        return self.r.random() < p

    def name(self):
        return self.r.choice(self.present) if self.present and self.chance(0.6) else self.r.choice(NAMES)

    def some_names(self, n):
        found = []
        while len(found) < n:
            name = self.name()
            if name not in found:
                found.append(name)
        return found

    def text(self):
        return self.r.choice(TEXTS)

    # ---- schemas and data ----
    def logical(self):
        kind = self.r.choice(["Date", "Time", "Timestamp", "Decimal"])
        s = {"type": {"Date": "int32", "Time": "int32", "Timestamp": "int64", "Decimal": "bytes"}[kind], "name": D + kind, "version": 1}
        if kind == "Decimal":
            s["parameters"] = {"scale": str(self.r.choice([0, 2, 5]))}
        return s

    def schema(self, depth=2, top=False):
        kind = "struct" if top and self.chance(0.85) else self.r.choice(["primitive"] * 6 + ["logical"] * 2 + (["struct", "array", "map"] if depth else []))
        if kind == "primitive":
            s = {"type": self.r.choice(PRIMITIVES)}
        elif kind == "logical":
            s = self.logical()
        elif kind == "array":
            s = {"type": "array", "items": self.schema(depth - 1)}
        elif kind == "map":
            s = {"type": "map", "keys": {"type": "string", "optional": False}, "values": self.schema(depth - 1)}
        else:
            fields = self.r.sample(NAMES, self.r.randint(0, 5))
            s = {"type": "struct", "fields": [dict(self.schema(depth - 1), field=f) for f in fields]}
        s["optional"] = self.chance(0.4)
        if kind in ("primitive", "struct") and self.chance(0.1):
            s.update(name="com.example." + self.r.choice("AB"), version=self.r.randint(1, 3))
        if self.chance(0.05):
            s["doc"] = "doc"
        if kind in ("primitive", "logical") and self.chance(0.2):
            s["default"] = self.payload(dict(s, optional=False))
        return s

    def integer(self, bits):
        return self.r.choice([0, 1, -1, 2**bits - 1, -2**bits, self.r.randint(-2**bits, 2**bits - 1), self.r.randint(-100, 100)])

    def real(self):
        return self.r.choice([0.0, -0.0, 1.0, 1.5, -2.25, 0.1, 1e10, 1.0e-5, 123456789.125, 3.4e38, 1e300, self.r.uniform(-1e6, 1e6),
                              self.r.uniform(-1, 1), float(self.r.randint(-2**40, 2**40))])

    def payload(self, s):
        if s.get("optional") and self.chance(0.2):
            return None
        name = s.get("name", "")
        if name == D + "Date":
            return self.r.randint(-200000, 60000)
        if name == D + "Time":
            return self.r.randint(0, 86399999)
        if name == D + "Timestamp":
            return self.r.choice([0, -1, 86400000, 1483425001864, self.r.randint(-10**14, 10**14), self.r.randint(0, 2 * 10**12)])
        if name == D + "Decimal":
            n = self.integer(self.r.choice([7, 31, 70]))
            return base64.b64encode(n.to_bytes((n.bit_length() + 8) // 8 or 1, "big", signed=True)).decode()
        t = s["type"]
        if t in LIMITS:
            return self.integer(LIMITS[t])
        if t in ("float", "double"):
            return self.real() if t == "double" else min(3.4e38, max(-3.4e38, self.real()))
        if t == "boolean":
            return self.chance(0.5)
        if t == "string":
            return self.text()
        if t == "bytes":
            return base64.b64encode(bytes(self.r.randrange(256) for _ in range(self.r.randint(0, 5)))).decode()
        if t == "array":
            return [self.payload(s["items"]) for _ in range(self.r.randint(0, 3))]
        if t == "map":
            return {k: self.payload(s["values"]) for k in self.r.sample(NAMES, self.r.randint(0, 3))}
        return {f["field"]: self.payload(f) for f in s["fields"]}

    def free(self, depth=2):
        kinds = ["int", "int", "real", "text", "text", "bool", "null"] + (["map", "list"] if depth else [])
        k = self.r.choice(kinds)
        if k == "int":
            return self.integer(self.r.choice([7, 31, 63]))
        if k == "real":
            return self.real()
        if k == "text":
            return self.text()
        if k == "bool":
            return self.chance(0.5)
        if k == "null":
            return None
        if k == "list":
            return [self.free(depth - 1) for _ in range(self.r.randint(0, 3))]
        return {n: self.free(depth - 1) for n in self.r.sample(NAMES, self.r.randint(0, 5))}

    def typed(self, depth=2):
        """A value without a schema, of a class that JSON has not."""
        kind = self.r.choice(["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string", "bytes", "decimal", "date_ms", None]
                             + (["list", "map"] if depth else []))
        if kind is None:
            return None
        if kind in LIMITS:
            return {kind: self.integer(LIMITS[kind])}
        return {kind: {
            "float32": lambda: self.r.choice(["1.5", "NaN", "-0.0", "3.4E38", "1.0E-10", "16777216"]), "float64": lambda: self.r.choice(["1.5", "Infinity", "1.0E300", "-2.0"]),
            "boolean": lambda: self.chance(0.5), "string": self.text, "bytes": lambda: base64.b64encode(self.r.randbytes(self.r.randint(0, 4))).decode(),
            "decimal": lambda: self.r.choice(["0.0", "1.50", "-12345678901234567890.123", "100.00", "0.001"]),
            "date_ms": lambda: self.r.choice([0, -1, 86400000, 1483425001864, self.r.randint(-10**13, 10**13)]),
            "list": lambda: [self.typed(depth - 1) for _ in range(self.r.randint(0, 3))],
            "map": lambda: [[{"string": n}, self.typed(depth - 1)] for n in self.r.sample(NAMES, self.r.randint(0, 4))]}[kind]()}

    def data(self):
        p = self.r.random()
        if p < 0.06:
            return None
        if p < 0.15:
            return {"schema": None, "typed": self.typed() if self.chance(0.3) else {"map": [[{"string": n}, self.typed()] for n in self.r.sample(NAMES, self.r.randint(0, 6))]}}
        if p < 0.5:
            return {"schema": None, "payload": self.free(3) if self.chance(0.15) else {n: self.free() for n in self.r.sample(NAMES, self.r.randint(0, 6))}}
        s = self.schema(3, top=True)
        return {"schema": s, "payload": self.payload(s)}

    def fields_of(self, data):
        if not data:
            return []
        if "typed" in data:
            return [pair[0]["string"] for pair in (data["typed"] or {}).get("map", [])]
        return list(data["payload"]) if isinstance(data["payload"], dict) else []

    # ---- configurations ----
    def names(self, most=3):
        found = self.some_names(self.r.randint(1, most))
        if self.chance(0.03):
            found.append(self.r.choice([found[0], "", " "]))
        return self.r.choice([",", ",", ",", ", ", " , "]).join(found)

    def side(self):
        return "$Key" if self.chance(0.25) else "$Value"

    def date_pattern(self):
        parts = ["yyyy", "yy", "y", "MM", "M", "MMM", "MMMM", "dd", "d", "HH", "H", "hh", "h", "kk", "K", "mm", "m", "ss", "s", "SSS", "S", "a",
                 "E", "EEEE", "D", "F", "w", "W", "u", "Y", "YYYY", "G", "z", "Z", "X", "XX", "XXX", "L", "LLL", "'T'", "''", "'o''clock'"]
        if self.chance(0.5):
            return self.r.choice(["yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "yyyyMMdd", "dd/MM/yy", "EEE, dd MMM yyyy HH:mm:ss Z",
                                  "yyyy-MM-dd'T'HH:mm:ssXXX", "HH:mm", "yyyyMMddHHmmssSSS", "YYYY-'W'ww-u", "h:mm a", "D yyyy"])
        seps = ["", " ", "-", "/", ":", ".", ", "]
        return "".join(self.r.choice(parts) + self.r.choice(seps) for _ in range(self.r.randint(1, 6)))

    def transform(self, focus=None):
        kinds = ["Cast", "DropHeaders", "ExtractField", "Filter", "Flatten", "HeaderFrom", "HoistField", "InsertField", "InsertHeader", "MaskField",
                 "RegexRouter", "ReplaceField", "SetSchemaMetadata", "TimestampConverter", "TimestampRouter", "ValueToKey"]
        weights = [4, 1, 3, 0.3, 3, 2, 2, 3, 3, 3, 3, 4, 2, 5, 1, 2]
        kind = focus or self.r.choices(kinds, weights)[0]
        c = getattr(self, "c_" + kind)()
        if kind in ("Cast", "ExtractField", "HeaderFrom", "InsertField", "MaskField", "ReplaceField", "SetSchemaMetadata", "TimestampConverter", "ValueToKey") \
                and self.chance(0.3):
            c["replace.null.with.default"] = self.r.choice(["true", "false", "false"])
        sided = kind not in ("DropHeaders", "Filter", "InsertHeader", "RegexRouter", "TimestampRouter", "ValueToKey")
        return P + kind + (self.side() if sided else ""), c

    def c_Cast(self):
        types = ["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string"]
        if self.chance(0.15):
            return {"spec": self.r.choice(types)}
        return {"spec": ",".join(n + ":" + self.r.choice(types + (["STRING", " int8 ", "bytes", "foo"] if self.chance(0.03) else []))
                                 for n in self.some_names(self.r.randint(1, 4)))}

    def c_DropHeaders(self):
        return {"headers": self.names()}

    def c_ExtractField(self):
        c = {"field": self.r.choice([self.name()] * 8 + ["a.c", "a.a", "c.d", "d.e", "`a.b`.c", "b.a.c", "`a.b`", "a.", ".a", "`a", "a`.b"])}
        if self.chance(0.5):
            c["field.syntax.version"] = self.r.choice(["V2", "v2", "V1"])
        return c

    def c_Filter(self):
        return {}

    def c_Flatten(self):
        return {} if self.chance(0.5) else {"delimiter": self.r.choice(["_", "", "."])}

    def c_HeaderFrom(self):
        n = self.r.randint(1, 3)
        return {"fields": ",".join(self.some_names(n)), "headers": ",".join(self.r.choice("hijk") for _ in range(n if self.chance(0.95) else n + 1)),
                "operation": self.r.choice(["move", "copy"])}

    def c_HoistField(self):
        return {"field": self.name()}

    def c_InsertField(self):
        c = {k: self.r.choice(["t1", "t2", "t3", "a"]) + self.r.choice(["", "!", "?"])
             for k in self.r.sample(["topic.field", "partition.field", "offset.field", "timestamp.field"], self.r.randint(0, 3))}
        if self.chance(0.5):
            c.update({"static.field": "s" + self.r.choice(["", "!", "?"]), "static.value": self.text()})
        return c

    def literal(self, depth=2):
        k = self.r.random()
        if k < 0.5 or not depth:
            return self.r.choice(["1", "-1", "300", "70000", "3000000000", "1.0", "1.5", "1e3", "1e40", "1e400", "99999999999999999999", "true", "false", "null", "abc",
                                  "\"q\"", "\"2019-08-23\"", "2019-08-23", "14:34:54.346Z", "2019-08-23T14:34:54.346Z", "14\\:34\\:54.346Z", " ", "", "+5", "0x10", "1,2",
                                  "\"a\\\"b\"", "\"1\"", "-", "1 2"])
        if k < 0.75:
            return "[" + self.r.choice([",", ", ", ","]).join(self.literal(depth - 1) for _ in range(self.r.randint(0, 3))) + self.r.choice(["]", "]", "]", ""])
        return "{" + ",".join(self.literal(0) + ":" + self.literal(depth - 1) for _ in range(self.r.randint(0, 3))) + self.r.choice(["}", "}", "}", ""])

    def c_InsertHeader(self):
        return {"header": self.r.choice("hij"), "value.literal": self.literal()}

    def c_MaskField(self):
        c = {"fields": self.names()}
        if self.chance(0.5):
            c["replacement"] = self.r.choice(["0", "12", "300", "-1.5", "1e3", "abc", "1.2.3", "x", "99999999999999999999", "0.1"])
        return c

    def regex(self, depth=3):
        k = self.r.random()
        if k < 0.35 or not depth:
            return self.r.choice(["a", "b", "-", "\\.", ".", "\\d", "\\w", "[a-c]", "[^a]", "[a-z&&[^b]]", "[[ab]c]", "\\p{Alpha}", "\\P{L}", "\\p{Lu}", "x", "1", "\\x61",
                                  "\\u0062", "[\\w.-]", "\\Qa.b\\E", "\\b", "^", "$", "\\s", "[\\d&&[^0]]", "\\p{IsAlphabetic}", "\\0101", "\\cA", "[]a]", "]", "}", "[a", "(", ")",
                                  "*", "[b-a]", "\\y", "a{2,1}", "{", "\\p{Foo}", "(?<n", "\\k<z>"] if self.chance(0.3) else
                                 ["a", "b", "-", "\\.", ".", "\\d", "\\w", "[a-c]", "[^a]", "test", "topic"])
        if k < 0.6:
            return self.regex(depth - 1) + self.regex(depth - 1)
        if k < 0.7:
            return self.regex(depth - 1) + "|" + self.regex(depth - 1)
        if k < 0.85:
            return self.regex(depth - 1) + self.r.choice(["*", "+", "?", "*?", "++", "{2}", "{1,3}", "{1,}"])
        return self.r.choice(["(%s)", "(?:%s)", "(?i:%s)", "(?=%s)", "(?!%s)", "(?<n>%s)", "(?<=%s)", "(%s)\\1"]) % self.regex(depth - 1)

    def c_RegexRouter(self):
        return {"regex": self.r.choice(["(.*)", "(\\w+)-(\\d+)", "([^.]+)\\.([^.]+)"]) if self.chance(0.3) else self.regex(),
                "replacement": self.r.choice(["$1", "$2-$1", "$0", "x", "", "${n}", "\\$", "$12", "a$", "\\", "${", "${1}", "$a", "pre-$0"])}

    def c_ReplaceField(self):
        c = {}
        if self.chance(0.5):
            c["exclude"] = self.names()
        if self.chance(0.4):
            c["include"] = self.names(5)
        if self.chance(0.6):
            olds = self.some_names(2)
            news = self.r.sample(["n1", "n2"], 2) if self.chance(0.7) else olds[::-1]
            c["renames"] = ",".join("%s:%s" % p for p in zip(olds, news))
        return c

    def c_SetSchemaMetadata(self):
        return {k: v for k, v in (("schema.name", self.r.choice(["N", "com.x.Y"])), ("schema.version", str(self.r.randint(0, 9)))) if self.chance(0.7)}

    def c_TimestampConverter(self):
        c = {"target.type": self.r.choice(["string", "unix", "Date", "Time", "Timestamp"])}
        if self.chance(0.6):
            c["field"] = self.name()
        if self.chance(0.8):
            c["format"] = self.date_pattern()
        if self.chance(0.3):
            c["unix.precision"] = self.r.choice(["seconds", "milliseconds", "microseconds", "nanoseconds"])
        return c

    def c_TimestampRouter(self):
        return {k: v for k, v in (("topic.format", self.r.choice(["${topic}", "${timestamp}-${topic}", "x"])), ("timestamp.format", self.date_pattern()))
                if self.chance(0.6)}

    def c_ValueToKey(self):
        return {"fields": self.names()}

    def predicate(self):
        k = self.r.choice(["TopicNameMatches", "HasHeaderKey", "RecordIsTombstone"])
        return P + "predicates." + k, {"TopicNameMatches": {"pattern": self.r.choice([".*", "t.*", "a-\\d+", self.regex(1)])},
                                       "HasHeaderKey": {"name": self.r.choice("hij")}, "RecordIsTombstone": {}}[k]

    def chain(self, length, focus):
        flat, aliases, uses = {}, ["t%d" % n for n in range(length)], []
        for alias in aliases:
            cls, config = self.transform(focus)
            flat["transforms.%s.type" % alias] = cls
            flat.update({"transforms.%s.%s" % (alias, k): v for k, v in config.items()})
            if self.chance(0.15) or cls.endswith("Filter") and self.chance(0.8):
                uses.append(self.r.choice("pq"))
                flat["transforms.%s.predicate" % alias] = uses[-1]
                if self.chance(0.5):
                    flat["transforms.%s.negate" % alias] = self.r.choice(["true", "false"])
        for name in sorted(set(uses)):
            cls, config = self.predicate()
            flat["predicates.%s.type" % name] = cls
            flat.update({"predicates.%s.%s" % (name, k): v for k, v in config.items()})
        if uses:
            flat["predicates"] = ",".join(sorted(set(uses)))
        flat["transforms"] = ",".join(aliases)
        if self.chance(0.05):
            self.spoil(flat)
        return flat

    def spoil(self, flat):
        """What users get wrong: a key that is missing, empty, misspelt or of another kind."""
        key = self.r.choice(sorted(flat))
        what = self.r.randrange(9)
        if what == 0 and key != "transforms":
            del flat[key]
        elif what == 1:
            flat[key] = self.r.choice(["", "" if key.endswith(".predicate") else " "])
        elif what == 2:
            flat[key] = self.r.choice(["x", "1", "true", "-1", "a,b", "${topic}", "yes", "TRUE", "\u017e", ",", "a:b:c", ":"])
        elif what == 3:
            flat["transforms.t0.type"] = self.r.choice(["Foo", P + "Cast", P + "ExtractField", P + "ReplaceField$Both", "Filter", P + "Filter",
                                                        P + "Transformation", P + "predicates.HasHeaderKey", "org.apache.kafka.connect.json.JsonConverter"])
        elif what == 4:
            flat["transforms." + self.r.choice(["t0.unknown", "t0.negate", "t0.predicate", "t9.type", "t9.field"])] = self.r.choice(["x", "true", "p"])
        elif what == 5:
            flat["transforms"] = self.r.choice(["t0,t0", "", "t0,", "t9", "t0,t9", "T0"])
        elif what == 6:
            flat["predicates"] = self.r.choice(["", "p,p", "r", "p", " p ,q"])
        elif what == 7:
            flat["predicates." + self.r.choice(["p.type", "q.type", "r.type", "p.name", "p.pattern"])] = self.r.choice(
                ["Foo", "", P + "predicates.RecordIsTombstone", P + "Cast$Value", "RecordIsTombstone", "HasHeaderKey", "(", P + "predicates.Predicate"])
        else:
            flat[self.r.choice(sorted(flat)) + self.r.choice(["s", ".x"])] = "x"

    # ---- cases ----
    def headers(self):
        plain = {"schema": {"type": "string", "optional": False}, "payload": "v"}
        return [{"key": self.r.choice("hij"), "value": plain if self.chance(0.5) else self.data()} for _ in range(self.r.choice([0, 0, 1, 1, 2, 3]))]

    def case(self, i, focus=None):
        record = self.r.choice(["sink"] * 4 + ["source"])
        key, value = self.data() if self.chance(0.5) else None, self.data()
        self.present = self.fields_of(value) + self.fields_of(key)[:2]
        flat = self.chain(self.r.choice([1, 1, 1, 2, 2, 3, 4, 5, 6]), focus)
        if focus == "TimestampConverter" and self.chance(0.7) and flat.get("transforms.t0.format"):
            value = self.time_data(flat["transforms.t0.format"])
            flat.pop("transforms.t0.field", None)
        topic = self.r.choice(["test", "a-1", "srv.public", "ab", "aab", "Test", "b", "topic.a-b", "\u017e-1", "aa-bb_1"])
        given = {"topic": topic, "partition": self.r.choice([0, 3]) if record == "sink" else self.r.choice([None, 2]),
                 "timestamp": self.r.choice([None, 0, 1483425001864, -1, self.r.randint(0, 2 * 10**12)]), "key": key,
                 "value": value, "headers": self.headers()}
        if record == "sink":
            given["offset"] = self.r.randint(0, 99)
        return {"name": "fuzz-%d" % i, "record": record, "transforms": flat, "input": given}

    def time_data(self, pattern):
        """A text that looks somewhat like the pattern."""
        make = {"y": lambda n: str(self.r.randint(0, 99) if n == 2 else self.r.choice([1, 999, 1582, 1970, 2017, 2024, 12345])), "M": lambda n: self.r.choice(["Jan", "february", "MAY"])
                if n > 2 else str(self.r.randint(0, 14)).zfill(n), "d": lambda n: str(self.r.randint(-1, 40)).zfill(n), "E": lambda n: self.r.choice(["Mon", "Tuesday", "sun"]),
                "a": lambda n: self.r.choice(["AM", "pm", "x"]), "G": lambda n: self.r.choice(["AD", "BC", "bc"]), "z": lambda n: self.r.choice(["UTC", "GMT", "GMT+1", "GMT-03:30", "PST", "+0100"]),
                "Z": lambda n: self.r.choice(["+0000", "-0330", "UTC", "+1"]), "X": lambda n: self.r.choice(["Z", "+01", "+01:00", "-0330", "x"])}
        out = []
        for m in re.finditer(r"'([^']*)'|([a-zA-Z])\2*|.", pattern):
            letter = m[2]
            if m[1] is not None:
                out.append(m[1] or "'")
            elif letter:
                out.append(make.get(letter, lambda n: str(self.r.randint(0, 70)).zfill(n))(len(m[0])))
            else:
                out.append(m[0] if self.chance(0.97) else "")
        if self.chance(0.1):
            out.insert(self.r.randrange(len(out) + 1), self.r.choice([" ", "x", "1", "-"]))
        return {"schema": None, "payload": "".join(out) + self.r.choice(["", "", " rest"])}
