#!/bin/bash
# versitygw, an S3 gateway over a directory that verifies signatures, region, checksums and conditions. Contract: common.sh.
#   start-s3.sh DIR [PORT]
# Objects are plain files DIR/data/<bucket>/<key>; metadata lies in DIR/meta, so no xattr support is needed.
# Env: S3_ACCESS_KEY (testkey), S3_SECRET_KEY (testsecret123), S3_REGION (us-east-1), S3_TLS_DIR (output of make-certs.sh)
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bin=$cache/s3/versitygw
[ -f "$cache/s3/.complete" ] || missing "versitygw is not installed (tests/kit/setup-servers.sh s3 builds it; needs Go 1.25)"
begin s3 1 "$@"
mkdir -p "$dir/data" "$dir/meta"

scheme=http tls=()
if [ -n "${S3_TLS_DIR:-}" ]; then scheme=https tls=(--cert "$S3_TLS_DIR/server.crt" --key "$S3_TLS_DIR/server.key"); fi
access=${S3_ACCESS_KEY:-testkey} secret=${S3_SECRET_KEY:-testsecret123} region=${S3_REGION:-us-east-1}
launch env ROOT_ACCESS_KEY="$access" ROOT_SECRET_KEY="$secret" \
    "$bin" --port "127.0.0.1:$port" --region "$region" --quiet "${tls[@]}" posix --sidecar "$dir/meta" "$dir/data"
await curl -sk -m 2 --noproxy '*' -o /dev/null "$scheme://127.0.0.1:$port/"
report url "$scheme://127.0.0.1:$port" access_key "$access" secret_key "$secret" region "$region"
