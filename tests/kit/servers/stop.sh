#!/bin/bash
# Ends a server that a start-*.sh script started, by the pid in its scratch directory, and waits until it is gone.
#   stop.sh DIR [stop|crash|kill9]
# stop   orderly (postgres: SIGINT, others SIGTERM), SIGKILL after 20 s and exit 1
# crash  postgres SIGQUIT (recovers at the next start), others SIGKILL
# kill9  SIGKILL, with all its children
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

dir=${1:?usage: stop.sh DIR [stop|crash|kill9]} how=${2:-stop}
[ -f "$dir/server.pid" ] || exit 0
pid=$(cat "$dir/server.pid") kind=$(cat "$dir/server.kind")

gone() { # pid, seconds
    local end=$((SECONDS + $2))
    while running "$1"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.02
    done
}

children=
case $how/$kind in
    stop/postgres) signal=INT ;;
    stop/*) signal=TERM ;;
    crash/postgres) signal=QUIT ;;
    crash/* | kill9/*)
        signal=KILL
        children=$(ps -o pid= --ppid "$pid" || true)
        ;;
    *) echo "stop.sh: unknown way '$how' (stop, crash, kill9)" >&2; exit 2 ;;
esac

kill -$signal "$pid" 2> /dev/null || true
# A new postmaster refuses the shared memory as long as an orphan of the old one lives.
for child in $children; do kill -KILL "$child" 2> /dev/null || true; done
rc=0
if ! gone "$pid" 20; then
    echo "$kind (pid $pid) ignored SIG$signal for 20 s, killing it" >&2
    kill -KILL "$pid" 2> /dev/null || true
    gone "$pid" 10 || true
    rc=1
fi
for child in $children; do gone "$child" 10 || rc=1; done
# Where nobody reaps orphans, a zombie keeps its pid taken, and PostgreSQL would believe that the old server still runs.
[ $signal != KILL ] || [ ! -d "$dir/data" ] || rm -f "$dir/data/postmaster.pid" "$dir"/.s.PGSQL.*
rm -f "$dir/server.pid"
exit $rc
