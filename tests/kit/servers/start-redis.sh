#!/bin/bash
# redis-server without persistence (REDIS_AOF=yes: append-only file, survives kill9). Contract: common.sh.
#   start-redis.sh DIR [PORT] [redis.conf line ...]      TLS is on PORT+1
# Env: REDIS_AOF, REDIS_TORN_AOF, REDIS_PASSWORD, REDIS_TLS_DIR (output of make-certs.sh)
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

command -v redis-server > /dev/null || missing "redis-server is not installed (run tests/kit/setup.sh)"
begin redis 2 "$@"
shift $(($# < 2 ? $# : 2))
cd "$dir"

secured=()
{
    cat << CONF
bind 127.0.0.1
port $port
dir $dir
daemonize no
save ""
appendonly ${REDIS_AOF:-no}
appendfsync always
enable-debug-command local
CONF
    if [ -n "${REDIS_TLS_DIR:-}" ]; then
        tls=$(cd "$REDIS_TLS_DIR" && pwd)
        printf 'tls-port %s\ntls-cert-file %s/server.crt\ntls-key-file %s/server.key\n' $((port + 1)) "$tls" "$tls"
        printf 'tls-ca-cert-file %s/ca.crt\ntls-auth-clients optional\n' "$tls"
    fi
    [ -z "${REDIS_PASSWORD:-}" ] || printf 'requirepass %s\nmasterauth %s\n' "$REDIS_PASSWORD" "$REDIS_PASSWORD"
    [ $# -eq 0 ] || printf '%s\n' "$@"
} > redis.conf
[ -z "${REDIS_TLS_DIR:-}" ] || secured=(tls_port $((port + 1)))

# A transaction that kill9 tore: the server would load the log, but leave the MULTI in it, and carry the rest out after the
# next restart. REDIS_TORN_AOF=keep leaves it to the server.
manifest=appendonlydir/appendonly.aof.manifest
if [ -f "$manifest" ] && [ "${REDIS_TORN_AOF:-mend}" = mend ]; then
    redis-check-aof --fix "$manifest" <<< y > check-aof.log 2>&1 || { cat check-aof.log >&2; exit 1; }
fi

launch redis-server redis.conf
pong() { [ "$(REDISCLI_AUTH=${REDIS_PASSWORD:-} redis-cli -h 127.0.0.1 -p "$port" ping 2> /dev/null)" = PONG ]; }
await pong
report endpoint "127.0.0.1:$port" "${secured[@]}"
