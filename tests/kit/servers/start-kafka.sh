#!/bin/bash
# One Apache Kafka 4.x broker and controller (KRaft) from the jars of setup-servers.sh. Contract: common.sh.
#   start-kafka.sh DIR [PORT] [server.properties line ...]
# PORT+1 is the controller. When KAFKA_TLS_DIR is set: PORT+2 SASL_SSL, PORT+3 SASL_PLAINTEXT (PLAIN, SCRAM; user app, password
# app-secret; OAUTHBEARER takes unsigned tokens), PORT+4 SSL, PORT+5 SSL that wants a client certificate.
# Env: KAFKA_LIBS (directory of jars), KAFKA_XMX (256m), KAFKA_LOG_LEVEL (warn), KAFKA_TLS_DIR (output of make-certs.sh)
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

libs=${KAFKA_LIBS:-$cache/kafka}
command -v java > /dev/null || missing "java is not installed (run tests/kit/setup.sh)"
command -v kcat > /dev/null || missing "kcat is not installed (run tests/kit/setup.sh)"
[ -f "$libs/.complete" ] || missing "Kafka's jars are not installed (run tests/kit/setup-servers.sh kafka)"
deadline=${SLUICE_START_DEADLINE:-90}
begin kafka 6 "$@"
shift $(($# < 2 ? $# : 2))
cd "$dir"

controller=$((port + 1)) secure=$((port + 2)) sasl=$((port + 3)) ssl=$((port + 4)) mtls=$((port + 5))
open=PLAINTEXT://127.0.0.1:$port map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
if [ -n "${KAFKA_TLS_DIR:-}" ]; then
    open+=,SASL_SSL://127.0.0.1:$secure,SASL_PLAINTEXT://127.0.0.1:$sasl,SSL://127.0.0.1:$ssl,MTLS://127.0.0.1:$mtls
    map+=,SASL_SSL:SASL_SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,MTLS:SSL
fi
{
    # Small coordinators, and a short broker session: without it a restart after kill -9 takes twice as long.
    cat << CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=$open,CONTROLLER://127.0.0.1:$controller
advertised.listeners=$open
controller.listener.names=CONTROLLER
listener.security.protocol.map=$map
inter.broker.listener.name=PLAINTEXT
log.dirs=$dir/data
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=2
log.cleaner.dedupe.buffer.size=8388608
CONF
    if [ -n "${KAFKA_TLS_DIR:-}" ]; then
        tls=$(cd "$KAFKA_TLS_DIR" && pwd)
        module=org.apache.kafka.common.security
        cat << CONF
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER
ssl.keystore.type=PEM
ssl.keystore.location=$tls/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=$tls/ca.crt
listener.name.sasl_ssl.ssl.client.auth=requested
listener.name.mtls.ssl.client.auth=required
CONF
        for p in listener.name.sasl_ssl listener.name.sasl_plaintext; do
            cat << CONF
$p.scram-sha-256.sasl.jaas.config=$module.scram.ScramLoginModule required;
$p.scram-sha-512.sasl.jaas.config=$module.scram.ScramLoginModule required;
$p.plain.sasl.jaas.config=$module.plain.PlainLoginModule required user_app="app-secret";
$p.oauthbearer.sasl.jaas.config=$module.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
CONF
        done
    fi
    [ $# -eq 0 ] || printf '%s\n' "$@"
} > server.properties

log=-Dorg.slf4j.simpleLogger.defaultLogLevel
if [ ! -f data/meta.properties ]; then
    scram=()
    for m in SCRAM-SHA-256 SCRAM-SHA-512; do scram+=(--add-scram "$m=[name=app,password=app-secret]"); done
    java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 $log=error -cp "$libs/*" kafka.tools.StorageTool \
        format -t c2x1aWNlLXRlc3Qta2l0AA -c server.properties "${scram[@]}" > format.log 2>&1 || { cat format.log >&2; exit 1; }
fi
launch java "-Xmx${KAFKA_XMX:-256m}" -XX:+UseSerialGC "$log=${KAFKA_LOG_LEVEL:-warn}" -cp "$libs/*" kafka.Kafka server.properties
# An open port is not proof enough: after kill -9 it may open before the controller lets the broker take part.
await tcp_open "$port"
listed() { [[ $(kcat -b "127.0.0.1:$port" -L -m 3 2> /dev/null) == *" 1 brokers:"* ]]; }
await listed
secured=()
[ -z "${KAFKA_TLS_DIR:-}" ] || secured=(sasl_ssl "127.0.0.1:$secure" sasl_plaintext "127.0.0.1:$sasl" ssl "127.0.0.1:$ssl" mtls "127.0.0.1:$mtls")
report bootstrap "127.0.0.1:$port" "${secured[@]}"
