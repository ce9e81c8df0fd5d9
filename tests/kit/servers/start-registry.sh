#!/bin/bash
# Apicurio Registry, in memory: Confluent's interface of a schema registry lies below /apis/ccompat/v7. Contract: common.sh.
#   start-registry.sh DIR [PORT]
# Env: REGISTRY_XMX (384m)
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

command -v java > /dev/null || missing "java is not installed (run tests/kit/setup.sh)"
[ -f "$cache/registry/.complete" ] || missing "Apicurio Registry is not installed (run tests/kit/setup-servers.sh registry)"
deadline=${SLUICE_START_DEADLINE:-120}
begin registry 1 "$@"
cd "$dir"

jar=$(ls "$cache"/registry/apicurio-registry-app-*-runner.jar)
launch java "-Xmx${REGISTRY_XMX:-384m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dquarkus.http.host=127.0.0.1 "-Dquarkus.http.port=$port" \
    -Dregistry.ccompat.legacy-id-mode.enabled=false -jar "$jar"
url=http://127.0.0.1:$port/apis/ccompat/v7
await curl -s -f -m 2 --noproxy '*' -o /dev/null "$url/subjects"
report url "$url"
