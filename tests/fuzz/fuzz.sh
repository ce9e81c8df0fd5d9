# Sourced by the test_*_fuzz.sh here: builds fuzz targets with clang's libFuzzer and runs each for FUZZ_SECONDS (30).
# Skips the test without clang and its compiler-rt. Needs nothing but the sources: no build tree.
#
#   . fuzz.sh
#   build NAME FILES... -lLIBRARIES...     tests/fuzz/NAME_fuzz.c with these; paths from the root of the sources
#   seed NAME FORMAT [ARGUMENT...]         one more input to begin with, as printf makes it
#   fuzz NAME [-max_len=N ...]             fails, with the end of its log, on the first fault
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
clang=$(command -v clang || command -v clang-14) || { echo "no clang"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { (void)d; (void)n; return 0; }' >"$work/probe.c"
"$clang" -fsanitize=fuzzer "$work/probe.c" -o "$work/probe" 2>/dev/null || { echo "clang has no libFuzzer"; exit 77; }
cd "$root"

build() {
    name=$1
    shift
    mkdir "$work/$name.corpus"
    # shellcheck disable=SC2046 # flags are words
    "$clang" -std=c11 -D_GNU_SOURCE -DSLUICE_VERSION='"0"' -O1 -g -fsanitize=fuzzer,address,undefined \
        -fno-sanitize-recover=all -Iplugins -Iplugins/include -Icore -Itests \
        $(pkg-config --cflags libpq libpcre2-8 libuv libcjson libmicrohttpd) \
        "tests/fuzz/${name}_fuzz.c" "$@" -o "$work/$name"
}

seed() {
    name=$1
    shift
    # shellcheck disable=SC2059 # the caller's format
    printf "$@" >"$work/$name.corpus/$(printf "$@" | cksum | tr ' ' -)"
}

fuzz() {
    name=$1
    shift
    "$work/$name" -max_total_time="${FUZZ_SECONDS:-30}" -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
        -print_final_stats=1 -artifact_prefix="$work/" "$@" "$work/$name.corpus" >"$work/log" 2>&1 || {
        tail -60 "$work/log"
        for artifact in "$work"/crash-* "$work"/timeout-* "$work"/oom-* "$work"/leak-*; do
            [ ! -f "$artifact" ] || { echo "input: $(head -c 4096 "$artifact" | base64 -w 0)"; }
        done
        exit 1
    }
    echo "$name: $(grep -E "stat::number_of_executed_units" "$work/log")"
}
