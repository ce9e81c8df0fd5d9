# Shared by the start-*.sh scripts; sourced, not run. Every script keeps the same contract:
#
#   start-NAME.sh DIR [PORT] [configuration line ...]
#
# DIR is a scratch directory (created; used again when it has data, so a second start is a restart). PORT is chosen free
# when absent or 0 (a restart keeps the old one). The script waits until the server answers, prints one line of JSON and
# leaves the server running in the caller's process group, so whoever kills that group kills the server too.
# DIR gets server.pid, server.port, server.kind and server.log; stop.sh works from those.
# Exit: 0 running, 77 its software is not installed (the reason is the last line), 1 failed (log on stderr).
# Env: SLUICE_START_DEADLINE seconds (60), SLUICE_CACHE (see setup-servers.sh).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${SLUICE_CACHE:-${HOME:-/tmp}/.cache/sluice-testbed}
deadline=${SLUICE_START_DEADLINE:-60}

# Debian keeps server programs in sbin, which an ordinary account's PATH lacks.
PATH=$PATH:/usr/sbin:/sbin

missing() {
    printf '%s\n' "$*" >&2
    exit 77
}

# begin KIND PORTS DIR [PORT]: sets dir and port; PORTS neighbouring ports are chosen free.
begin() {
    kind=$1
    [ -n "${3:-}" ] || { echo "usage: $0 DIR [PORT] [configuration line ...]" >&2; exit 2; }
    mkdir -p "$3"
    dir=$(cd "$3" && pwd)
    port=${4:-0}
    [ "$port" != 0 ] || port=$(cat "$dir/server.port" 2> /dev/null || python3 -I "$here/../sluicetest/ports.py" "$2")
    if [ -f "$dir/server.pid" ] && running "$(cat "$dir/server.pid")"; then
        echo "$kind in $dir is running already (pid $(cat "$dir/server.pid"))" >&2
        exit 1
    fi
    printf '%s\n' "$port" > "$dir/server.port"
    printf '%s\n' "$kind" > "$dir/server.kind"
}

# A zombie counts as gone: in a container nobody may reap it.
running() {
    local state
    state=$(sed -n 's/^State:[[:space:]]*//p' "/proc/$1/status" 2> /dev/null) || return 1
    [ -n "$state" ] && [ "${state%% *}" != Z ]
}

# launch COMMAND ...: in the background, output to server.log, pid to server.pid.
launch() {
    "$@" > "$dir/server.log" 2>&1 < /dev/null &
    pid=$!
    printf '%s\n' "$pid" > "$dir/server.pid"
}

give_up() {
    echo "$kind: $1; the end of its log:" >&2
    tail -n 30 "$dir/server.log" >&2 || true
    kill -KILL "$pid" 2> /dev/null || true
    rm -f "$dir/server.pid"
    exit 1
}

# await COMMAND ...: until it succeeds, the server dies or the deadline passes.
await() {
    local end=$((SECONDS + deadline))
    until "$@" > /dev/null 2>&1; do
        running "$pid" || give_up "died while starting"
        [ $SECONDS -lt $end ] || give_up "did not answer within $deadline s"
        sleep 0.05
    done
    running "$pid" || give_up "died while starting (something else answers on port $port?)"
}

tcp_open() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

# report [KEY VALUE] ...: the line of JSON (no value of ours needs escaping).
report() {
    local line
    line=$(printf '{"kind":"%s","pid":%s,"host":"127.0.0.1","port":%s,"dir":"%s"' "$kind" "$pid" "$port" "$dir")
    while [ $# -gt 0 ]; do line+=$(printf ',"%s":"%s"' "$1" "$2"); shift 2; done
    printf '%s}\n' "$line"
}
