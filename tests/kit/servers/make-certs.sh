#!/bin/bash
# A throw-away CA with a server certificate (localhost, 127.0.0.1, ::1), a client certificate (CN app) and one for a wrong host.
#   make-certs.sh DIR
# Writes ca.crt ca.key, {server,client,wrong-host}.{crt,key} and server.pem (key and chain in one file, for Kafka).
# Of clients that are refused: expired.{crt,key}, and stranger.{crt,key} of other-ca.crt. chained.crt is a client's chain with
# an authority between it and the CA.
set -euo pipefail
mkdir -p "${1:?usage: make-certs.sh DIR}"
cd "$1"
[ ! -f server.pem ] || exit 0

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1" 2> /dev/null; }
leaf() { # name, subject, extensions [, CA, days]
    new_key "$1.key"
    openssl req -new -key "$1.key" -subj "$2" |
        openssl x509 -req -CA "${4:-ca}.crt" -CAkey "${4:-ca}.key" -CAcreateserial -sha256 -days "${5:-30}" \
            -extfile <(printf '%b' "$3") -out "$1.crt" 2> /dev/null
}
authority() { # name, subject
    new_key "$1.key"
    openssl req -x509 -new -key "$1.key" -sha256 -days 30 -subj "$2" -out "$1.crt" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}
authority ca '/CN=sluice test CA'
authority other-ca '/CN=somebody else'
leaf server /CN=localhost 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth,clientAuth\n'
leaf client /CN=app 'extendedKeyUsage=clientAuth\n'
leaf wrong-host /CN=wrong.example 'subjectAltName=DNS:wrong.example\nextendedKeyUsage=serverAuth\n'
leaf expired /CN=app 'extendedKeyUsage=clientAuth\n' ca -1
leaf stranger /CN=app 'extendedKeyUsage=clientAuth\n' other-ca
leaf between '/CN=between' 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n'
leaf chained /CN=app 'extendedKeyUsage=clientAuth\n' between
cat between.crt >> chained.crt
chmod 600 ./*.key
cat server.key server.crt ca.crt > .pem && chmod 600 .pem && mv .pem server.pem
