#!/bin/bash
# Debian's clickhouse-server 18.16 (a real server, old protocol quirks). Contract: common.sh.
#   start-clickhouse.sh DIR [PORT]      PORT is HTTP, PORT+1 native TCP, PORT+2 HTTPS, PORT+3 between servers
# Users: default without password, app / app-secret. Env: CH_TLS_DIR (output of make-certs.sh)
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

command -v clickhouse-server > /dev/null || missing "clickhouse-server is not installed (run tests/kit/setup.sh)"
begin clickhouse 4 "$@"
mkdir -p "$dir/data" "$dir/tmp"
cd "$dir"

https= secured=()
if [ -n "${CH_TLS_DIR:-}" ]; then
    tls=$(cd "$CH_TLS_DIR" && pwd)
    https="<https_port>$((port + 2))</https_port><openSSL><server><certificateFile>$tls/server.crt</certificateFile>
    <privateKeyFile>$tls/server.key</privateKeyFile><verificationMode>none</verificationMode></server></openSSL>"
    secured=(https_url "https://127.0.0.1:$((port + 2))")
fi
cat > config.xml << CONF
<yandex>
  <logger><level>warning</level><console>1</console></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>$port</http_port><tcp_port>$((port + 1))</tcp_port>$https
  <interserver_http_port>$((port + 3))</interserver_http_port><interserver_http_host>127.0.0.1</interserver_http_host>
  <path>$dir/data/</path><tmp_path>$dir/tmp/</tmp_path><users_config>users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database><timezone>UTC</timezone>
  <mark_cache_size>67108864</mark_cache_size><mlock_executable>false</mlock_executable>
  <builtin_dictionaries_reload_interval>3600</builtin_dictionaries_reload_interval>
</yandex>
CONF
user() { # name, password element
    echo "<$1>$2<networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></$1>"
}
cat > users.xml << CONF
<yandex>
  <profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
  <quotas><default/></quotas>
  <users>
    $(user default '<password></password>')
    $(user app "<password_sha256_hex>$(printf app-secret | sha256sum | cut -d' ' -f1)</password_sha256_hex>")
  </users>
</yandex>
CONF

launch clickhouse-server --config-file=config.xml
ping_ok() { [ "$(curl -s -m 2 --noproxy '*' "http://127.0.0.1:$port/ping")" = Ok. ]; }
await ping_ok
report url "http://127.0.0.1:$port" "${secured[@]}"
