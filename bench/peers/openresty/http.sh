#!/bin/sh
# The Lua module of nginx (LuaJIT), a handler in Lua for each request.
#
#   sh http.sh PORT
# shellcheck source=bench/peers/nginx/serve.sh
. "$(dirname "$0")/../nginx/serve.sh"

modules=/usr/lib/nginx/modules
serve "$1" "load_module $modules/ndk_http_module.so;
load_module $modules/ngx_http_lua_module.so;" 'location / { content_by_lua_block {
    ngx.header["Content-Type"] = "text/plain"
    ngx.header["Content-Length"] = 13
    ngx.print("hello, world\n")
} }'
