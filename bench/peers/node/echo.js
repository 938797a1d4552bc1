// Echo with node's net. noDelay, for servers that answer at once.
"use strict";
const net = require("net");

net.createServer({ noDelay: true }, (socket) => {
  socket.on("data", (bytes) => socket.write(bytes));
  socket.on("error", () => socket.destroy());
}).listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 4096 });
