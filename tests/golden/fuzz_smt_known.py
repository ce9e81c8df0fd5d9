"""What fuzz_smt.py leaves out: the differences of transforms that tests/golden-differences.md lists by rule.

Each rule has a name, under which it is counted, and compares all that is left when the difference it speaks of is taken out of both
sides: no rule forgives more than it says.
"""
import json
import re

HASH_MAPS = ("Map objects|casting from|Cannot mask value|out of range|support class|Unable to convert|does not correspond|was passed a value|"
             "Unexpected type in Cast")


def text(node):
    return json.dumps(node, sort_keys=True)


def error_of(output):
    return output.get("error") if isinstance(output, dict) else None


def both(test):
    """A rule about two errors."""
    return lambda want, got, case: bool(error_of(want) and error_of(got)) and test(error_of(want), error_of(got), case)


def words(message):
    """The words of a record's Java text: the order of its members, and what stands for an array, taken out."""
    message = re.sub(r"schema=(Schema\{[^}]*\}|\S+SchemaBuilder@<hash>)", "schema", message)
    message = re.sub(r"\[B@<hash>|java.nio.HeapByteBuffer\[[^]]*\]", "bytes", message)
    message = message.replace("sourcePartition={p=x}, sourceOffset={o=1}", "sourcePartition=, sourceOffset=")
    return sorted(re.findall(r"[^{}\[\], =]+", message))


def record_text(want, got, case):
    head = "Timestamp missing on record: "
    return all((e["message"] or "").startswith(head) for e in (want, got)) and words(want["message"]) == words(got["message"])


def identity(want, got, case):
    mask = [re.sub(r"(for static field:) .*", r"\1", e["message"] or "") for e in (want, got)]
    return "InsertionSpec@" in (want["message"] or "") and mask[0] == mask[1]


def map_class(want, got, case):
    return text(want).replace("LinkedHashMap", "HashMap") == text(got)


def is_schemaless_map(case):
    return any(isinstance(s, dict) and not s.get("schema") for s in (case["input"]["key"], case["input"]["value"]))


def order_of_members(want, got, case):
    """Several members of a map are wrong: another one is named."""
    return want["stage"] == got["stage"] == "apply" and want["class"] == got["class"] and want["transform"] == got["transform"] \
        and want["class"].endswith("DataException") and is_schemaless_map(case) and bool(re.search(HASH_MAPS, want["message"])) \
        and bool(re.search(HASH_MAPS, got["message"]))


def unwritable_member(want, got, case):
    """Several members of a map have no JSON form: another one is named."""
    mask = [re.sub(r"Java class class \S+ does not have", "Java class does not have", text(x)) for x in (want, got)]
    return is_schemaless_map(case) and mask[0] == mask[1]


def whole_decimal(want, got, case):
    """A decimal without fraction is the integer that it may have been: it has a form where a BigDecimal has none."""
    return text(want).replace("java.math.BigDecimal", "java.math.BigInteger") == text(got) or \
        "class java.math.BigDecimal" in text(want) and bool(re.search(r'"decimal": "-?\d+"', text(got)))


def without_untyped(node):
    """Containers whose schema does not say what is in them: their schema alone."""
    if isinstance(node, list):
        return [without_untyped(x) for x in node]
    if not isinstance(node, dict):
        return node
    if re.search(r'"(keys|values|items)": null', text(node.get("schema"))):
        return {"schema": node["schema"]}
    return {k: without_untyped(v) for k, v in node.items()}


def untyped_containers(want, got, case):
    return '": null' in text(want) and "text" in (want or {}) and text(without_untyped(want)) == text(without_untyped(got))


def regexes(case):
    return [v for k, v in case["transforms"].items() if k.endswith((".regex", ".pattern")) and v]


def mask_all(output):
    """All that the rules above take out of a record at once."""
    masked = text(without_untyped(output)).replace("LinkedHashMap", "HashMap").replace("BigDecimal", "BigInteger")
    return re.sub(r"Java class class \S+ does not have", "Java class does not have", masked)


def several(want, got, case):
    return mask_all(want) == mask_all(got)


def no_type_in_spec(want, got, case):
    """Cast: Java throws an ArrayIndexOutOfBoundsException, or says the type in capitals that are not ASCII."""
    specs = [v for k, v in case["transforms"].items() if k.endswith(".spec") and v]
    capitals = [re.sub(r"Schema.Type.\S+ for", "Schema.Type for", text(x)) for x in (want, got)]
    return any(set(s) <= set(": ,") for s in specs) and want["class"].endswith("ArrayIndexOutOfBoundsException") or \
        any(not s.isascii() for s in specs) and capitals[0] == capitals[1]


def look_behind(want, got, case):
    """Refused by PCRE2 or, when no maximum is obvious, by Java; each in its words."""
    return any("(?<=" in r or "(?<!" in r for r in regexes(case)) and ("ookbehind" in text(got) or "Look-behind" in text(want))


def colliding_names(want, got, case):
    """Two members of a map are given one name."""
    kinds = [v for k, v in case["transforms"].items() if k.endswith(".type") and v]
    renames = any(".Flatten" in k for k in kinds) or any(k.endswith(".renames") for k in case["transforms"])
    return bool(renames and is_schemaless_map(case) and isinstance(want, dict) and isinstance(got, dict) and "text" in want and "text" in got
                and keys(want) == keys(got))


def keys(node):
    """The names in a record, nested."""
    if isinstance(node, list):
        return []
    if not isinstance(node, dict):
        return None
    if "schema" in node and "payload" in node:
        return [node["schema"], sorted(node["payload"]) if isinstance(node["payload"], dict) else None]
    return {k: keys(v) for k, v in node.items() if k not in ("text", "typed")}


def formats(case):
    return [v for k, v in case["transforms"].items() if k.endswith(".format") and v]


def zone_read(want, got, case):
    """A text with the name of a zone was read: Java's format is in that zone from then on."""
    return any("z" in f for f in formats(case)) and bool(re.search("PST|PDT|CET|EST|GMT[+-]", text(case["input"])))


def week_year_zone(want, got, case):
    return any("Y" in f and re.search("[zZX]", f) for f in formats(case))


RULES = {
    "the identity of an object in a message": both(identity),
    "a record's Java text": both(record_text),
    "LinkedHashMap or HashMap": map_class,
    "which of several wrong members comes first": both(order_of_members),
    "a decimal without fraction is a BigInteger": whole_decimal,
    "which of several members cannot be written": unwritable_member,
    "containers of unknown type": untyped_containers,
    "several of these": several,
    "a Cast without a type, or in capitals": both(no_type_in_spec),
    "look-behind": look_behind,
    "names that collide in a map": colliding_names,
    "the zone that was read": zone_read,
    "week year and zone": week_year_zone,
}


def known(want, got, case):
    """The rule that a difference falls under, or None."""
    return next((name for name, test in RULES.items() if test(want, got, case)), None)
