// A client by the npm package ws that packs its messages, in all the ways that it
// has. Prints what was agreed on with the echo server at the URL given, and how
// many messages came back as they were.
"use strict";

const { WebSocket } = require("ws");

const ways = [
  {},
  { threshold: 0 },
  { serverNoContextTakeover: true, threshold: 0 },
  { clientNoContextTakeover: true, threshold: 0 },
  { serverMaxWindowBits: 9, clientMaxWindowBits: 9, threshold: 0 },
  { zlibDeflateOptions: { level: 9 }, threshold: 0 },
];

const messages = ["a", "ä".repeat(1000), "hello ".repeat(50000)];
for (let i = 0; i < 20; i++) messages.push(JSON.stringify({ i, tag: "same" }));
messages.push(messages[1], messages[2]);

function ask(url, perMessageDeflate) {
  return new Promise((done, fail) => {
    const ws = new WebSocket(url, { perMessageDeflate });
    let same = 0, agreed;
    ws.on("upgrade", (res) => agreed = res.headers["sec-websocket-extensions"]);
    ws.on("error", fail);
    ws.on("open", () => messages.forEach((one) => ws.send(one)));
    ws.on("message", (data) => {
      if (data.toString() !== messages[same]) fail(new Error("another"));
      if (++same === messages.length) ws.close();
    });
    ws.on("close", (code) => done([code, same, agreed]));
  });
}

(async () => {
  for (const way of ways)
    console.log((await ask(process.argv[2], way)).join(" "));
  process.exit(0);
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
