// The rows about tasks: see bench/peers/lua/tasks.lua. A task is an async
// function. The second form of yield goes round the event loop.
"use strict";
const fs = require("fs");

function mark(name) {
  fs.writeSync(1, `MARK ${name}\n`);
  fs.readSync(0, Buffer.alloc(1));
}

function finish(count) {
  mark("stop");
  fs.writeSync(1, `count=${count}\n`);
  process.exit(0);
}

const sleep = (seconds) =>
  new Promise((resolve) => setTimeout(resolve, Math.ceil(seconds * 1000)));
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function crowd(tasks, each, work) {
  const all = [];
  for (let i = 0; i < tasks; i++) all.push(work(each));
  await Promise.all(all);
  finish(tasks * each);
}

const operations = {
  yield(n, tasks) {
    return crowd(tasks, n / tasks, async (each) => {
      for (let i = 0; i < each; i++) await null;
    });
  },
  turn(n, tasks) {
    return crowd(tasks, n / tasks, async (each) => {
      for (let i = 0; i < each; i++) await turn();
    });
  },
  sleepers(n, tasks, seconds) {
    return crowd(tasks, n / tasks, async (each) => {
      for (let i = 0; i < each; i++) await sleep(Math.random() * seconds);
    });
  },
  async spawn(n, batch) {
    let count = 0;
    const work = async () => {
      await null;
      count++;
    };
    for (let round = 0; round < n / batch; round++) {
      let last;
      for (let i = 0; i < batch; i++) last = work();
      await last;
    }
    finish(count);
  },
  async parked(n) {
    let count = 0;
    const waiting = [];
    const work = async () => {
      count++;
      await new Promise((resolve) => waiting.push(resolve));
    };
    for (let i = 0; i < n; i++) work();
    finish(count);
  },
  async lateness(n, seconds) {
    const late = [];
    for (let i = 0; i < n; i++) {
      const start = process.hrtime.bigint();
      await sleep(seconds);
      late.push(Number(process.hrtime.bigint() - start) / 1e9 - seconds);
    }
    late.sort((a, b) => a - b);
    fs.writeSync(1, `p50_us=${late[Math.floor(n / 2)] * 1e6}\n`);
    fs.writeSync(1, `p99_us=${late[Math.floor(n * 0.99)] * 1e6}\n`);
    fs.writeSync(1, `early=${late.filter((t) => t < 0).length}\n`);
    finish(n);
  },
};

mark("start");
operations[process.argv[2]](...process.argv.slice(3).map(Number));
