// Asks one server over and over by node's http and an agent that keeps
// connections: TASKS at once.
//
//   client.js PORT TASKS WARM N
"use strict";
const fs = require("fs");
const http = require("http");

const [port, tasks, warm, n] = process.argv.slice(2).map(Number);
const agent = new http.Agent({ keepAlive: true, maxSockets: tasks });
const options = { host: "127.0.0.1", port, path: "/", agent };

function mark(name) {
  fs.writeSync(1, `MARK ${name}\n`);
  fs.readSync(0, Buffer.alloc(1));
}

function ask() {
  return new Promise((resolve, reject) => {
    http.get(options, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (piece) => { body += piece; });
      response.on("end", () => resolve(body));
    }).on("error", reject);
  });
}

// Asks so often in all; how many answers were right.
async function run(count) {
  let right = 0;
  const work = async () => {
    while (count-- > 0) {
      if (await ask() === "hello, world\n") right++;
    }
  };
  await Promise.all(Array.from({ length: tasks }, work));
  return right;
}

(async () => {
  await run(warm);
  mark("start");
  const right = await run(n);
  mark("stop");
  fs.writeSync(1, `count=${right}\n`);
  process.exit(0);
})();
