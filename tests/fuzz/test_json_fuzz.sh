#!/bin/sh
# timeout: 300
# Builds the JSON fuzz target with clang's libFuzzer and runs it for FUZZ_SECONDS (60). Needs clang with compiler-rt.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
clang=$(command -v clang || command -v clang-14) || { echo "no clang"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { (void)d; (void)n; return 0; }' >"$work/probe.c"
"$clang" -fsanitize=fuzzer "$work/probe.c" -o "$work/probe" 2>/dev/null || { echo "clang has no libFuzzer"; exit 77; }
"$clang" -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    -I"$root/plugins/include" -I"$root/core" "$root"/tests/fuzz/json_fuzz.c "$root"/core/record/*.c \
    "$root"/core/base/*.c -luv -lcjson -lm -lpthread -o "$work/json_fuzz"
mkdir "$work/corpus"
"$work/json_fuzz" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
    -dict="$root/tests/fuzz/json.dict" -artifact_prefix="$work/" "$work/corpus" >"$work/log" 2>&1 || {
    tail -40 "$work/log"
    exit 1
}
grep -E "stat::number_of_executed_units|DONE" "$work/log" | tail -2
