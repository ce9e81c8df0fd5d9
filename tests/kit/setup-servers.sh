#!/bin/bash
# Second tier of the test set-up: servers that Debian does not package. Kafka broker jars (Maven), the engine of a
# current ClickHouse (chdb-core by pip) and the S3 gateway versitygw (Go). They run side by side, each goes into its own
# directory of one cache outside the build tree and is finished when its .complete file names the wanted version.
#
#   setup-servers.sh [kafka] [chdb] [s3]      (default: all)
# Env: SLUICE_CACHE (default ~/.cache/sluice-testbed). Logs lie in $SLUICE_CACHE/log.
# Exit: 0 all there or skipped with a reason, 1 something failed (tests that need it will then be skipped, loudly).
set -u

kafka_version=4.3.1
chdb_version=26.9.0
s3_version=v1.8.0
s3_go_minor=25

here=$(cd "$(dirname "$0")" && pwd)
cache=${SLUICE_CACHE:-${HOME:-/tmp}/.cache/sluice-testbed}
mkdir -p "$cache/log" || exit 1
cache=$(cd "$cache" && pwd)

say() { printf 'setup-servers: %s\n' "$*"; }
have() { [ -f "$cache/$1/.complete" ] && [ "$(cat "$cache/$1/.complete")" = "$2" ]; }

# The finished directory appears by rename, so an interrupted run leaves nothing half done behind.
publish() { # name version staging
    printf '%s\n' "$2" > "$3/.complete"
    rm -rf "${cache:?}/$1" && mv "$3" "$cache/$1"
}

install_kafka() { # staging
    command -v mvn > /dev/null || { echo 'mvn is not installed (run tests/kit/setup.sh)'; return 1; }
    # The plugin by its whole name: Maven then says why it cannot be fetched (network, certificate), not only that.
    mvn -q -B -f "$here/servers/kafka-pom.xml" -Dkafka.version=$kafka_version \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$1" || return 1
    ls "$1"/kafka_2.13-$kafka_version.jar
}

install_chdb() { # staging
    python3 -m venv "$1" || return 1
    "$1/bin/python" -m pip install -q --no-deps --disable-pip-version-check "chdb-core==$chdb_version" || return 1
    "$1/bin/python" -c 'from chdb import session; print(session.Session().query("SELECT version()", "TSV"))'
}

install_s3() { # staging
    GOBIN=$1 go install -p 2 "github.com/versity/versitygw/cmd/versitygw@$s3_version" && "$1/versitygw" --version
}

# Empty when versitygw can be built here, otherwise the reason why not.
s3_obstacle() {
    local v
    command -v go > /dev/null || { echo "no go command; versitygw wants Go 1.$s3_go_minor"; return; }
    v=$(go env GOVERSION 2> /dev/null) v=${v#go1.} v=${v%%[!0-9]*}
    [ "${v:-0}" -ge $s3_go_minor ] || echo "$(go env GOVERSION 2> /dev/null || echo 'this go') is older than Go 1.$s3_go_minor"
}

run_one() { # name version
    local staging="$cache/.staging-$1" log="$cache/log/$1.log" t0=$SECONDS try
    for try in 1 2; do
        rm -rf "$staging"; mkdir -p "$staging"
        if "install_$1" "$staging" > "$log" 2>&1; then
            publish "$1" "$2" "$staging"
            say "$1 $2 installed in $((SECONDS - t0)) s"
            return 0
        fi
        [ $try = 2 ] || say "$1: first attempt failed, trying once more"
    done
    say "$1 $2 FAILED; the end of $log:"
    tail -n 15 "$log" | cut -c1-500 | sed 's/^/    /'
    say "$1 comes over HTTPS: see that the network, a proxy and its certificate authority work; run this again then"
    rm -rf "$staging"
    return 1
}

wanted=("$@"); [ $# -gt 0 ] || wanted=(kafka chdb s3)

exec 9> "$cache/.lock" # two runs at once: the second waits and then finds everything there
if ! flock -n 9; then say "another run is busy, waiting for it"; flock 9; fi

rc=0 pids=() complete=()
for name in "${wanted[@]}"; do
    case $name in
        kafka) version=$kafka_version ;;
        chdb) version=$chdb_version ;;
        s3) version=$s3_version ;;
        *) say "unknown server '$name' (kafka, chdb, s3)"; exit 2 ;;
    esac
    if have "$name" "$version"; then complete+=("$name"); continue; fi
    if [ "$name" = s3 ]; then
        why=$(s3_obstacle)
        if [ -n "$why" ]; then say "SKIPPED s3: $why. Tests against a real S3 server will be skipped."; continue; fi
    fi
    say "installing $name $version"
    run_one "$name" "$version" 9>&- &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || rc=1; done
[ ${#complete[@]} -eq 0 ] || say "already there: ${complete[*]}"
exit $rc
