// websocket.js PORT: echo over WebSockets, by the npm package ws.
"use strict";

module.paths.push("/usr/share/nodejs"); // where Debian has it
const { WebSocketServer } = require("ws");

new WebSocketServer({
  host: "127.0.0.1", port: Number(process.argv[2]), perMessageDeflate: false,
}).on("connection", (ws) => {
  ws.on("error", () => {});
  ws.on("message", (data, binary) => ws.send(data, { binary }));
});
