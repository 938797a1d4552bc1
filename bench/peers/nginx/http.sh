#!/bin/sh
# nginx's `return 200` and its sendfile, one process, by TLS if it is given a
# certificate.
#
#   sh http.sh PORT [CERTIFICATE KEY]
# shellcheck source=bench/peers/nginx/serve.sh
. "$(dirname "$0")/serve.sh"

port=$1
shift
serve "$port" '' "default_type text/plain;
    location = / { return 200 'hello, world\\n'; }
    location = /users { return 200 '[]'; }
    location /users/ { return 200 '{}'; }
    location ~ ^/hello/(?<name>[^/]+)\$ {
        if (\$http_user_agent = '') { return 400; }
        return 200 'hello, \$name\\n';
    }
    location /files/ {
        sendfile on;
        alias $PWD/build/bench/files/;
    }" "$@"
