#!/bin/sh
# nginx with its Lua module (what OpenResty is made of), one worker: a request
# runs a row about tasks in light threads.
#
#   tasks.sh PORT
set -eu
top=$PWD
directory=$top/build/bench/openresty
mkdir -p "$directory"
cat >"$directory/nginx.conf" <<CONF
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
daemon off;
worker_processes 1;
error_log stderr;
pid $directory/pid;
events { worker_connections 64; }
http {
    access_log off;
    lua_package_path "$top/?.lua;;";
    client_body_temp_path $directory/a;
    proxy_temp_path $directory/b;
    fastcgi_temp_path $directory/c;
    uwsgi_temp_path $directory/d;
    scgi_temp_path $directory/e;
    server {
        listen 127.0.0.1:$1;
        location / {
            content_by_lua_file $top/bench/peers/openresty/tasks.lua;
        }
    }
}
CONF
exec nginx -p "$directory" -c "$directory/nginx.conf"
