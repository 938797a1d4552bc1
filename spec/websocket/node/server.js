// A server by the npm package ws. Prints its port, and does what messages ask
// for; others it sends back.
"use strict";

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({
  port: 0, host: "127.0.0.1", maxPayload: 1 << 20, perMessageDeflate: true,
  handleProtocols: (protocols) => protocols.has("chat") && "chat",
}, () => console.log(server.address().port));

const asked = {
  close: (ws, code, ...reason) => ws.close(Number(code), reason.join(" ")),
  terminate: (ws) => ws.terminate(),
  ping: (ws, data) => {
    ws.once("pong", (answer) => ws.send("pong " + answer));
    ws.ping(data);
  },
  fragments: (ws) => {
    ws.send("one, ", { fin: false });
    ws.ping();
    ws.send("two, ", { fin: false });
    ws.send("three", { fin: true });
  },
  bad: (ws) => ws.send(Buffer.from([0xff]), { binary: false }),
  raw: (ws, hex) => ws._socket.write(Buffer.from(hex, "hex")),
};

server.on("connection", (ws) => {
  ws.on("error", () => {});
  ws.on("message", (data, binary) => {
    const [word, ...rest] = binary ? [] : data.toString().split(" ");
    if (asked[word]) asked[word](ws, ...rest);
    else ws.send(data, { binary });
  });
});

asked.exit = () => process.exit(0);
