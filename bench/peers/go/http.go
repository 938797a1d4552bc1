// Go's http server, by TLS if it is given a certificate.
package main

import (
	"net/http"
	"os"
	"strings"
)

var body = []byte("hello, world\n")

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write(body)
	})
	http.HandleFunc("/hello/", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("User-Agent") == "" {
			w.WriteHeader(400)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		w.Write([]byte("hello, " + strings.TrimPrefix(r.URL.Path, "/hello/") +
			"\n"))
	})
	http.Handle("/files/", http.StripPrefix("/files/",
		http.FileServer(http.Dir("build/bench/files"))))
	address := "127.0.0.1:" + os.Args[1]
	if len(os.Args) > 3 {
		panic(http.ListenAndServeTLS(address, os.Args[2], os.Args[3], nil))
	}
	panic(http.ListenAndServe(address, nil))
}
