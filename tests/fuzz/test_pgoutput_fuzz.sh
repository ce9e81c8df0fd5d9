#!/bin/sh
# timeout: 300
# Builds the fuzz target of the PostgreSQL source's readers with clang's libFuzzer and runs it for FUZZ_SECONDS (60).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
clang=$(command -v clang || command -v clang-14) || { echo "no clang"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { (void)d; (void)n; return 0; }' >"$work/probe.c"
"$clang" -fsanitize=fuzzer "$work/probe.c" -o "$work/probe" 2>/dev/null || { echo "clang has no libFuzzer"; exit 77; }
"$clang" -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    -DSLUICE_VERSION='"0"' -I"$root/plugins" -I"$root/plugins/include" -I"$root/core" \
    $(pkg-config --cflags libpq libpcre2-8) "$root"/tests/fuzz/pgoutput_fuzz.c "$root"/sources/postgres/decode*.c \
    "$root"/sources/postgres/pgoutput.c "$root"/core/record/*.c "$root"/core/base/*.c "$root"/core/observe/*.c \
    "$root"/core/config/*.c "$root"/core/plugin/*.c $(pkg-config --libs libpq libpcre2-8 libuv libcjson) -lm -lpthread -ldl \
    -o "$work/fuzz"
mkdir "$work/corpus"
printf '\001U\0\0\022\064K\0\002t\0\0\0\0017nN\0\002t\0\0\0\00242u' >"$work/corpus/update"
printf '\001R\0\0\0\001public\0t\0d\0\001\001id\0\0\0\0\027\377\377\377\377' >"$work/corpus/relation"
printf '\101a\\tb\t\\N\tx\\x41\n' >"$work/corpus/copy"
for i in $(seq 96 127); do
    for text in '2016-11-04 13:51:30.123456+00 BC' '1 year 2 mons -3 days +04:05:06.7' '{1,"a\"b",{2},NULL}' '"k"=>"v", "n"=>NULL' '-12.50'; do
        printf "\\$(printf %o "$i")%s" "$text" >"$work/corpus/$i-$(printf %s "$text" | cksum | cut -d' ' -f1)"
    done
done
"$work/fuzz" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=2048 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$work/" "$work/corpus" >"$work/log" 2>&1 || {
    tail -40 "$work/log"
    exit 1
}
grep -E "stat::number_of_executed_units|DONE" "$work/log" | tail -2
