#!/bin/bash
# A throw-away CA with a server certificate (localhost, 127.0.0.1, ::1), a client certificate (CN app) and one for a wrong host.
#   make-certs.sh DIR
# Writes ca.crt ca.key, {server,client,wrong-host}.{crt,key} and server.pem (key and chain in one file, for Kafka).
set -euo pipefail
mkdir -p "${1:?usage: make-certs.sh DIR}"
cd "$1"
[ ! -f server.pem ] || exit 0

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1" 2> /dev/null; }
leaf() { # name, subject, extensions
    new_key "$1.key"
    openssl req -new -key "$1.key" -subj "$2" |
        openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -sha256 -days 30 -extfile <(printf '%b' "$3") -out "$1.crt" 2> /dev/null
}
new_key ca.key
openssl req -x509 -new -key ca.key -sha256 -days 30 -subj '/CN=sluice test CA' -out ca.crt \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
leaf server /CN=localhost 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth,clientAuth\n'
leaf client /CN=app 'extendedKeyUsage=clientAuth\n'
leaf wrong-host /CN=wrong.example 'subjectAltName=DNS:wrong.example\nextendedKeyUsage=serverAuth\n'
chmod 600 ./*.key
cat server.key server.crt ca.crt > .pem && chmod 600 .pem && mv .pem server.pem
