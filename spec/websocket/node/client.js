// A client by the npm package ws. Asks the echo server at the URL given for what
// it can, and prints a line for each thing that was as it should be.
"use strict";

const assert = require("assert");
const { WebSocket } = require("ws");

const url = process.argv[2];
const ca = process.argv[3] && require("fs").readFileSync(process.argv[3]);

function open(path = "/", protocols = [], options = {}) {
  const ws = new WebSocket(url + path, protocols, { ca, ...options });
  ws.binaryType = "nodebuffer";
  const waiting = [], come = [];
  ws.on("message", (data, binary) => {
    const message = binary ? data : data.toString();
    waiting.length ? waiting.shift()(message) : come.push(message);
  });
  ws.next = () => new Promise((done) =>
    come.length ? done(come.shift()) : waiting.push(done));
  ws.event = (name) => new Promise((done) =>
    ws.once(name, (...args) => done(args)));
  return ws;
}

async function opened(...args) {
  const ws = open(...args);
  await ws.event("open");
  return ws;
}

const tests = {
  async texts() {
    const ws = await opened();
    for (const n of [0, 1, 125, 126, 65535, 65536, 300000]) {
      const text = "ä".repeat(n / 2) + "x".repeat(n % 2);
      ws.send(text);
      assert.strictEqual(await ws.next(), text);
    }
    ws.close();
  },
  async binary_data() {
    const ws = await opened();
    const data = Buffer.alloc(100000, "\xff\x00\xfe", "latin1");
    ws.send(data);
    assert.deepStrictEqual(await ws.next(), data);
    ws.close();
  },
  async fragments() {
    const ws = await opened();
    ws.send("one, ", { fin: false });
    ws.ping("in between");
    ws.send("two, ", { fin: false });
    ws.send("three", { fin: true });
    assert.strictEqual(await ws.next(), "one, two, three");
    ws.close();
  },
  async many_at_once() {
    const ws = await opened();
    for (let i = 0; i < 1000; i++) ws.send("message " + i);
    for (let i = 0; i < 1000; i++)
      assert.strictEqual(await ws.next(), "message " + i);
    ws.close();
  },
  async pings() {
    const ws = await opened();
    ws.ping("here?");
    const [data] = await ws.event("pong");
    assert.strictEqual(data.toString(), "here?");
    ws.close();
  },
  async our_close() {
    const ws = await opened();
    ws.close(4000, "enough");
    const [code] = await ws.event("close");
    assert.strictEqual(code, 4000);
  },
  async their_close() {
    const ws = await opened();
    ws.send("close 4001 go away");
    const [code, reason] = await ws.event("close");
    assert.strictEqual(code, 4001);
    assert.strictEqual(reason.toString(), "go away");
  },
  async too_long() {
    const ws = await opened();
    ws.send("x".repeat((1 << 20) + 1));
    const [code] = await ws.event("close");
    assert.strictEqual(code, 1009);
  },
  async no_utf8() {
    const ws = await opened();
    ws.send(Buffer.from([0xff]), { binary: false });
    const [code] = await ws.event("close");
    assert.strictEqual(code, 1007);
  },
  async a_subprotocol() {
    const ws = await opened("/", ["soup", "chat"]);
    assert.strictEqual(ws.protocol, "chat");
    ws.close();
  },
  async no_extension() {
    const ws = await opened("/", [], { perMessageDeflate: true });
    assert.strictEqual(ws.extensions, "");
    ws.close();
  },
  async a_foreign_origin() {
    const ws = open("/", [], { origin: "http://evil.example" });
    const [err] = await ws.event("error");
    assert.match(err.message, /403/);
  },
  async an_old_version() {
    const ws = open("/", [], { protocolVersion: 8 });
    const [err] = await ws.event("error");
    assert.match(err.message, /426/);
  },
  async a_lost_connection() {
    const ws = await opened();
    ws.terminate();
  },
};

(async () => {
  for (const [name, test] of Object.entries(tests)) {
    await test();
    console.log(name);
  }
  process.exit(0);
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
