#!/bin/sh
# nginx's `return 200`, one process.
#
#   sh http.sh PORT
# shellcheck source=bench/peers/nginx/serve.sh
. "$(dirname "$0")/serve.sh"

serve "$1" '' 'default_type text/plain; return 200 "hello, world\n";'
