#!/bin/bash
# The engine of a current ClickHouse (chdb) behind HTTP: see chdb-http.py for what is real and what is imitation.
#   start-chdb.sh DIR [PORT]      Users: default without password, app / app-secret. Contract: common.sh.
# Env: CH_TLS_DIR (output of make-certs.sh; PORT then speaks HTTPS only)
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[ -f "$cache/chdb/.complete" ] || missing "chdb is not installed (run tests/kit/setup-servers.sh chdb)"
begin chdb 1 "$@"
mkdir -p "$dir/data"

scheme=http tls=()
if [ -n "${CH_TLS_DIR:-}" ]; then scheme=https tls=(--tls-dir "$CH_TLS_DIR"); fi
launch "$cache/chdb/bin/python" "$here/chdb-http.py" --port "$port" --dir "$dir/data" "${tls[@]}"
ping_ok() { [ "$(curl -sk -m 2 --noproxy '*' "$scheme://127.0.0.1:$port/ping")" = Ok. ]; }
await ping_ok
report url "$scheme://127.0.0.1:$port"
