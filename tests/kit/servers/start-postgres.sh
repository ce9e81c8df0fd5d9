#!/bin/bash
# PostgreSQL with wal_level=logical, trust authentication, superuser "postgres", socket in DIR. Contract: common.sh.
#   start-postgres.sh DIR [PORT] [postgresql.conf line ...]
# Env: PG_MAJOR (that one: Debian's, or what setup-servers.sh postgres installed), PG_HOME (directory with bin/initdb;
#      default: the newest that Debian installed), PG_FSYNC=on (default off: kill -9 of the
#      server loses nothing either way, only a machine crash would), PG_PASSWORD (TCP then wants scram-sha-256),
#      PG_TLS_DIR (output of make-certs.sh), PG_RUN_AS (account to use when root; default postgres or nobody).
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if [ -n "${PG_MAJOR:-}" ]; then
    PG_HOME=/usr/lib/postgresql/$PG_MAJOR
    [ -x "$PG_HOME/bin/initdb" ] || PG_HOME=$cache/postgres$PG_MAJOR
    [ -x "$PG_HOME/bin/initdb" ] ||
        missing "PostgreSQL $PG_MAJOR is not installed (run tests/kit/setup-servers.sh postgres$PG_MAJOR)"
fi
home=${PG_HOME:-$(ls -d /usr/lib/postgresql/*/ 2> /dev/null | sort -V | tail -n 1 || true)}
[ -n "$home" ] && [ -x "$home/bin/initdb" ] || missing "PostgreSQL server is not installed (no initdb in '${home:-/usr/lib/postgresql}')"
begin postgres 1 "$@"
shift $(($# < 2 ? $# : 2))

as=() user=
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
    user=${PG_RUN_AS:-$(id -un postgres 2> /dev/null || echo nobody)}
    as=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
    chown "$user" "$dir"
    "${as[@]}" test -w "$dir" || { echo "account $user cannot enter $dir: every parent directory needs mode o+x" >&2; exit 1; }
fi
# A cache below /root is out of that account's reach: the server's files are linked or copied to where it may go.
if ! "${as[@]}" test -x "$home/bin/postgres"; then
    [ -d "$dir/home" ] || cp -al "$home" "$dir/home" 2> /dev/null || { rm -rf "$dir/home" && cp -a "$home" "$dir/home"; }
    home=$dir/home
fi
own() { [ -z "$user" ] || chown -R "$user" "$@"; }
cd "$dir"

if [ ! -f data/PG_VERSION ]; then
    rm -rf data
    "${as[@]}" "$home/bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C -N > initdb.log 2>&1 || { cat initdb.log >&2; exit 1; }
    echo "include 'test.conf'" >> data/postgresql.conf
fi

method=trust
[ -z "${PG_PASSWORD:-}" ] || method=scram-sha-256
{
    cat << CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$dir'
wal_level = logical
max_replication_slots = 20
max_wal_senders = 20
max_connections = 60
shared_buffers = 64MB
fsync = ${PG_FSYNC:-off}
full_page_writes = ${PG_FSYNC:-off}
log_min_messages = warning
timezone = 'UTC'
log_timezone = 'UTC'
CONF
    [ -z "${PG_TLS_DIR:-}" ] || printf "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\nssl_ca_file = 'ca.crt'\n"
    [ $# -eq 0 ] || printf '%s\n' "$@"
} > data/test.conf

printf 'local all all trust\nlocal replication all trust\n' > data/pg_hba.conf
if [ -n "${PG_TLS_DIR:-}" ]; then
    for f in server.crt server.key ca.crt; do install -m 600 "$PG_TLS_DIR/$f" "data/$f"; done
    # The user "certapp" must show a client certificate (its CN is "app"); everybody else may use TLS or not.
    echo 'hostssl all certapp 127.0.0.1/32 cert map=c' >> data/pg_hba.conf
    echo 'c app certapp' > data/pg_ident.conf
fi
printf 'host all all 127.0.0.1/32 %s\nhost replication all 127.0.0.1/32 %s\n' $method $method >> data/pg_hba.conf
own data

# Not pg_ctl: it would put the server into a session of its own, out of reach of whoever kills our process group.
launch "${as[@]}" "$home/bin/postgres" -D data
ready=$home/bin/pg_isready
[ -x "$ready" ] || ready=pg_isready # of Debian's client
await "$ready" -q -h 127.0.0.1 -p "$port"
[ -z "${PG_PASSWORD:-}" ] || psql -X -q -h "$dir" -p "$port" -U postgres -d postgres -c "ALTER ROLE postgres PASSWORD '$PG_PASSWORD'"
report dsn "host=127.0.0.1 port=$port user=postgres dbname=postgres" home "${home%/}"
