#!/bin/bash
# First tier of the test set-up: every Debian 12 package that building and testing sluice needs. Does nothing, quickly,
# when all are there. Works as root or with sudo.
#
#   setup.sh [--check] [--demo]      --check: only say what is missing, exit 1 if anything is
#                                    --demo: only what `make demo` needs (with KAFKA=1 in the environment: Kafka, too)
set -u

build=(gcc libc6-dev make cmake ninja-build pkg-config ccache git ca-certificates
    librdkafka-dev libpq-dev libhiredis-dev libcurl4-openssl-dev libcjson-dev libuv1-dev libmicrohttpd-dev
    libsqlite3-dev libpcre2-dev libzstd-dev liblz4-dev zlib1g-dev libssl-dev)
tools=(g++ libsimdjson-dev libmaxminddb-dev libicu-dev libcmocka-dev clang-format universal-ctags clang-14
    libclang-rt-14-dev curl openssl xz-utils unzip procps util-linux python3 python3-venv kcat)
servers=(postgresql-15 postgresql-contrib redis-server clickhouse-server maven openjdk-17-jre-headless)
shown=(curl procps util-linux python3 postgresql-15 redis-server clickhouse-server)
shown_kafka=(kcat maven openjdk-17-jre-headless)

check='' wanted=("${build[@]}" "${tools[@]}" "${servers[@]}")
for argument in "$@"; do
    case $argument in
        --check) check=1 ;;
        --demo)
            wanted=("${build[@]}" "${shown[@]}")
            [ "${KAFKA:-}" != 1 ] || wanted+=("${shown_kafka[@]}") ;;
        *) echo "setup: unknown argument '$argument'" >&2; exit 2 ;;
    esac
done

say() { printf 'setup: %s\n' "$*"; }
die() { say "$*" >&2; exit 1; }

command -v dpkg-query > /dev/null || die "this script installs Debian 12 packages, but there is no dpkg here. Install the
equivalents of: ${wanted[*]}"

missing() {
    local installed name
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2> /dev/null | sed -n 's/^installed //p')
    for name in "${wanted[@]}"; do
        grep -qxF -- "$name" <<< "$installed" || echo "$name"
    done
}

mapfile -t todo < <(missing)
if [ ${#todo[@]} -eq 0 ]; then say "all packages are there"; exit 0; fi
say "${#todo[@]} packages to install: ${todo[*]}"
[ -z "$check" ] || exit 1

as=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || die "needs root: run as root, install sudo, or run this as root yourself:
    apt-get install --no-install-recommends ${todo[*]}"
    as=(sudo)
fi
apt=("${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)

t0=$SECONDS
say "refreshing the package lists"
"${apt[@]}" -q update || die "apt-get update failed"
say "downloading and installing (about 260 MB when nothing is there yet)"
"${apt[@]}" -q install --no-install-recommends "${todo[@]}" || die "apt-get install failed; this script knows Debian 12"

mapfile -t todo < <(missing)
[ ${#todo[@]} -eq 0 ] || die "still missing after the installation: ${todo[*]}"
say "done in $((SECONDS - t0)) s"
