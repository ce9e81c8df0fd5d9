#!/bin/bash
# Second tier of the test set-up: servers that Debian does not package. Kafka broker jars (Maven), the engine of a
# current ClickHouse (chdb-core by pip), the S3 gateway versitygw (Go) and a schema registry (Apicurio, Maven); and the libraries with which others drive Kafka
# Connect's REST port (pip, npm, Maven). They run side by side, each goes into its own directory of one cache outside the
# build tree and is finished when its .complete file names the wanted version.
#
#   setup-servers.sh [kafka] [chdb] [s3] [registry] [pyclients] [jsclient] [javaclient]      (default: all of these)
#   setup-servers.sh connect      Kafka Connect's own worker, to take over from (test-all) and to measure against (bench)
#   setup-servers.sh postgres     PostgreSQL of the other supported majors than Debian's (test-all); postgres17: that one alone
#   setup-servers.sh librdkafka   a newer Kafka client than Debian's, whose login by SCRAM Kafka 4 refuses (built: 2 minutes)
# Env: SLUICE_CACHE (default ~/.cache/sluice-testbed). Logs lie in $SLUICE_CACHE/log.
# Exit: 0 all there or skipped with a reason, 1 something failed (tests that need it will then be skipped, loudly).
set -u

kafka_version=4.3.1
chdb_version=26.9.0
s3_version=v1.8.0
s3_go_minor=25
connect_version=4.0.0
registry_version=2.6.13.Final # the last that runs on Java 17
librdkafka_crate=4.10.0 # of rdkafka-sys, which carries the whole C source
declare -A postgres_versions=([14]=14.24.0 [15]=15.19.0 [16]=16.15.0 [17]=17.11.0 [18]=18.6.0)
pyclients=(kafka-connect-py==1.0.0 kafka-connect-api==0.5.10)
jsclient=kafka-connect-client@2.3.0
javaclient_version=4.0.5

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

copy_jars() { # pom staging [-Dproperty=value ...]
    command -v mvn > /dev/null || { echo 'mvn is not installed (run tests/kit/setup.sh)'; return 1; }
    # The plugin by its whole name: Maven then says why it cannot be fetched (network, certificate), not only that.
    mvn -q -B -f "$here/servers/$1" "${@:3}" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$2"
}

install_kafka() { # staging
    copy_jars kafka-pom.xml "$1" -Dkafka.version=$kafka_version && ls "$1"/kafka_2.13-$kafka_version.jar
}

install_connect() { # staging
    copy_jars connect-pom.xml "$1" -Dkafka.version=$connect_version && ls "$1"/connect-runtime-$connect_version.jar
}

install_javaclient() { # staging
    copy_jars connect-client-pom.xml "$1" -Dclient.version=$javaclient_version &&
        ls "$1"/kafka-connect-client-$javaclient_version.jar "$1"/ecj-*.jar
}

# A whole server (initdb, postgres, pgoutput, contrib), packed for programs that carry one with them.
install_postgres() { # staging version
    copy_jars postgres-pom.xml "$1/jar" "-Dpostgres.version=$2" "-Dpostgres.machine=$(postgres_machine)" &&
        unzip -p "$1"/jar/*.jar '*.txz' | tar -xJ -C "$1" && rm -rf "${1:?}/jar" && "$1/bin/postgres" --version
}

postgres_machine() {
    case $(uname -m) in x86_64) echo amd64 ;; aarch64) echo arm64v8 ;; esac
}

postgres_obstacle() {
    [ -n "$(postgres_machine)" ] || echo "there is no build of it for $(uname -m)"
}

install_pyclients() { # staging
    local name
    for name in "${pyclients[@]}"; do # each in its own environment: they want different versions of what they share
        python3 -m venv "$1/${name%%==*}" || return 1
        "$1/${name%%==*}/bin/python" -m pip install -q --disable-pip-version-check "$name" || return 1
    done
}

install_jsclient() { # staging
    npm install --prefix "$1" --no-audit --no-fund --ignore-scripts "$jsclient"
}

install_chdb() { # staging
    python3 -m venv "$1" || return 1
    "$1/bin/python" -m pip install -q --no-deps --disable-pip-version-check "chdb-core==$chdb_version" || return 1
    "$1/bin/python" -c 'from chdb import session; print(session.Session().query("SELECT version()", "TSV"))'
}

install_s3() { # staging
    GOBIN=$1 go install -p 2 "github.com/versity/versitygw/cmd/versitygw@$s3_version" && "$1/versitygw" --version
}

# The prefix is where it will lie in the end, for its pkg-config files say so.
install_librdkafka() { # staging
    local made="$1/made" manifest
    mkdir -p "$1/crate/src" && touch "$1/crate/src/lib.rs" || return 1
    printf '[package]\nname = "fetch"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nrdkafka-sys = "=%s"\n' \
        "$librdkafka_crate" > "$1/crate/Cargo.toml"
    manifest=$(cd "$1/crate" && cargo metadata --format-version 1 | python3 -c '
import json, sys
print(next(p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "rdkafka-sys"))') || return 1
    cp -r "${manifest%/*}/librdkafka" "$1/source" && cd "$1/source" || return 1
    ./configure --prefix="$cache/librdkafka" --disable-gssapi && make -j2 libs && make -C src install DESTDIR="$made" || return 1
    cd / && rm -rf "${1:?}/crate" "$1/source" && mv "$made$cache/librdkafka/"* "$1" && rm -rf "$made"
}

# What cannot be installed here for want of something that set-up does not install: prints the reason, else nothing.
jsclient_obstacle() {
    command -v npm > /dev/null || echo "no npm command (Debian: apt-get install nodejs npm)"
}

librdkafka_obstacle() {
    command -v cargo > /dev/null || echo "no cargo command, which fetches the source (install Rust)"
}

s3_obstacle() {
    local v
    command -v go > /dev/null || { echo "no go command; versitygw wants Go 1.$s3_go_minor"; return; }
    v=$(go env GOVERSION 2> /dev/null) v=${v#go1.} v=${v%%[!0-9]*}
    [ "${v:-0}" -ge $s3_go_minor ] || echo "$(go env GOVERSION 2> /dev/null || echo 'this go') is older than Go 1.$s3_go_minor"
}

install_registry() { # staging
    command -v mvn > /dev/null || { echo 'mvn is not installed (run tests/kit/setup.sh)'; return 1; }
    mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
        "-Dartifact=io.apicurio:apicurio-registry-app:$registry_version:tar.gz:all" -DoutputDirectory="$1" || return 1
    tar -xzf "$1"/apicurio-registry-app-*.tar.gz -C "$1" && rm "$1"/apicurio-registry-app-*.tar.gz
    ls "$1"/apicurio-registry-app-*-runner.jar
}

run_one() { # name version
    local staging="$cache/.staging-$1" log="$cache/log/$1.log" t0=$SECONDS try recipe=${1/#postgres*/postgres}
    for try in 1 2; do
        rm -rf "$staging"; mkdir -p "$staging"
        if "install_$recipe" "$staging" "$2" > "$log" 2>&1; then
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

wanted=("$@"); [ $# -gt 0 ] || wanted=(kafka chdb s3 registry pyclients jsclient javaclient)
if [ "${wanted[*]}" = postgres ]; then
    wanted=()
    for major in $(printf '%s\n' "${!postgres_versions[@]}" | sort); do
        [ -x "/usr/lib/postgresql/$major/bin/postgres" ] || wanted+=("postgres$major")
    done
fi

exec 9> "$cache/.lock" # two runs at once: the second waits and then finds everything there
if ! flock -n 9; then say "another run is busy, waiting for it"; flock 9; fi

rc=0 pids=() complete=()
for name in "${wanted[@]}"; do
    case $name in
        kafka) version=$kafka_version ;;
        chdb) version=$chdb_version ;;
        s3) version=$s3_version ;;
        registry) version=$registry_version ;;
        connect) version=$connect_version ;;
        librdkafka) version=$librdkafka_crate ;;
        pyclients) version=${pyclients[*]} ;;
        jsclient) version=$jsclient ;;
        javaclient) version=$javaclient_version ;;
        postgres1[4-8]) version=${postgres_versions[${name#postgres}]} ;;
        *) say "unknown '$name' (kafka, chdb, s3, registry, pyclients, jsclient, javaclient, connect, postgres, librdkafka)"; exit 2 ;;
    esac
    recipe=${name/#postgres*/postgres}
    if have "$name" "$version"; then complete+=("$name"); continue; fi
    if declare -F "${recipe}_obstacle" > /dev/null; then
        why=$("${recipe}_obstacle")
        if [ -n "$why" ]; then say "SKIPPED $name: $why. The tests that need it will be skipped."; continue; fi
    fi
    say "installing $name $version"
    run_one "$name" "$version" 9>&- &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || rc=1; done
[ ${#complete[@]} -eq 0 ] || say "already there: ${complete[*]}"
exit $rc
