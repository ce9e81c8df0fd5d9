#!/bin/sh
# timeout: 400
# Builds the fuzz targets of core/config with clang's libFuzzer and runs each for FUZZ_SECONDS (60). Needs clang with
# compiler-rt.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
clang=$(command -v clang || command -v clang-14) || { echo "no clang"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { (void)d; (void)n; return 0; }' >"$work/probe.c"
"$clang" -fsanitize=fuzzer "$work/probe.c" -o "$work/probe" 2>/dev/null || { echo "clang has no libFuzzer"; exit 77; }
cd "$work"
for target in descriptor interpolate; do
    "$clang" -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
        -I"$root/plugins/include" -I"$root/core" -I"$root/tests" "$root/tests/fuzz/${target}_fuzz.c" \
        "$root"/core/config/*.c "$root"/core/observe/*.c -lcjson -lpcre2-8 -lm -lpthread -o "$work/$target"
    mkdir "$work/$target.corpus"
    "$work/$target" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
        -print_final_stats=1 -dict="$root/tests/fuzz/config.dict" -artifact_prefix="$work/" "$work/$target.corpus" \
        >"$work/log" 2>&1 || {
        tail -40 "$work/log"
        exit 1
    }
    echo "$target: $(grep -E "stat::number_of_executed_units" "$work/log")"
done
