// Reads requests as bytes from standard input, each with its length on a line
// before it, and says how the parser of Node (llhttp, strict) frames them: for
// each a line "method target body" with the body in hexadecimal for each message,
// and a line "." or "! code" at the end.
'use strict';

const { HTTPParser, methods } = require('_http_common');

const out = [];

function frame(bytes) {
  const parser = new HTTPParser();
  let line, body;
  let target = ''; // it comes by itself when there are many fields
  parser.initialize(HTTPParser.REQUEST, {});
  parser[HTTPParser.kOnMessageBegin | 0] = () => {
    target = '';
  };
  parser[HTTPParser.kOnHeaders | 0] = (fields, url) => {
    target += url;
  };
  parser[HTTPParser.kOnHeadersComplete | 0] = (major, minor, headers, method,
                                               url) => {
    line = `${methods[method]} ${url === undefined ? target : url}`;
    body = [];
    return 0;
  };
  parser[HTTPParser.kOnBody | 0] = (piece, at, length) => {
    body.push(length === undefined ? piece : piece.subarray(at, at + length));
  };
  parser[HTTPParser.kOnMessageComplete | 0] = () => {
    out.push(`${line} ${Buffer.concat(body).toString('hex')}`);
  };
  const result = parser.execute(bytes);
  out.push(result instanceof Error ? `! ${result.code}` : '.');
  parser.close();
}

const input = require('fs').readFileSync(0);
let at = 0;
while (at < input.length) {
  const end = input.indexOf(10, at);
  const length = parseInt(input.subarray(at, end).toString(), 10);
  frame(input.subarray(end + 1, end + 1 + length));
  at = end + 1 + length;
}
process.stdout.write(out.join('\n') + '\n');
