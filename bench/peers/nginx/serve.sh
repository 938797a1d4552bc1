# shellcheck shell=sh
# Runs nginx as one process in the foreground. Sourced.

# serve PORT GLOBAL LOCATION [CERTIFICATE KEY]: directives for the top of the
# configuration, and for the location "/" or several; with a certificate by TLS.
# What nginx writes goes to a directory of its own, which a later run takes over.
serve() {
    secure=''
    tls=''
    if [ $# -gt 3 ]; then
        secure=ssl
        tls="ssl_protocols TLSv1.3;
        ssl_certificate $(realpath "$4");
        ssl_certificate_key $(realpath "$5");"
    fi
    directory=${TMPDIR:-/tmp}/miniloop-bench-nginx-$(id -u)
    mkdir -p "$directory"
    cat >"$directory/$1.conf" <<TEXT
$2
daemon off;
master_process off;
worker_rlimit_nofile 20000;
pid $directory/$1.pid;
error_log stderr error;
events { worker_connections 19000; }
http {
    access_log off;
    client_body_temp_path $directory;
    proxy_temp_path $directory;
    fastcgi_temp_path $directory;
    uwsgi_temp_path $directory;
    scgi_temp_path $directory;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    server {
        listen 127.0.0.1:$1 $secure backlog=4096;
        $tls
        $3
    }
}
TEXT
    exec nginx -e stderr -p "$directory" -c "$directory/$1.conf"
}
