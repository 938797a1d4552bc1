// node's http server.
"use strict";
const http = require("http");

const server = http.createServer((request, response) => {
  response.writeHead(200, {
    "Content-Type": "text/plain", "Content-Length": 13,
  });
  response.end("hello, world\n");
});
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1",
  backlog: 4096 });
