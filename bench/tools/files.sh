#!/bin/sh
# Makes what rows serve, where it is not there yet.
#
#   sh files.sh DIRECTORY
set -eu
mkdir -p "$1"
cd "$1"

# Bytes that nothing makes smaller, under the path that rows ask for.
if ! [ -f mebibyte ]; then
    head -c 1048576 /dev/urandom >new
    mv new mebibyte
fi

# The answer of a route with a parameter.
echo 'hello, bench' >hello

# A certificate that its own client trusts. Signing with this kind of key costs
# the least by far, so that the rest of a handshake shows.
if ! [ -f cert.pem ] && command -v openssl >/dev/null; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -days 3650 \
        -keyout key.pem -out new
    mv new cert.pem
fi
