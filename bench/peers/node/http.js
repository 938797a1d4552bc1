// node's http server, by TLS if it is given a certificate.
"use strict";
const fs = require("fs");
const http = require("http");
const https = require("https");

const [port, cert, key] = process.argv.slice(2);

function answer(request, response) {
  let text = "hello, world\n";
  if (request.url.startsWith("/hello/") && request.headers["user-agent"]) {
    text = `hello, ${request.url.slice("/hello/".length)}\n`;
  }
  response.writeHead(200, {
    "Content-Type": "text/plain", "Content-Length": text.length,
  });
  response.end(text);
}

const server = cert
  ? https.createServer({ cert: fs.readFileSync(cert),
    key: fs.readFileSync(key) }, answer)
  : http.createServer(answer);
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
