'use strict';

// A gateway of exact bytes, for t/25-call.t: what it does with a
// connection, the file "mode" in its folder says at that moment; what came
// is appended to the file "seen", a JSON line each.  The end of a connection
// names the mode in which it began.
//
//     node t/gateway/replies.js FOLDER PORT[=CERTIFICATE[,TLS_VERSION]] ...
//
// A port with a certificate (FOLDER/CERTIFICATE.crt and .key) speaks TLS.

const fs = require('fs');
const net = require('net');
const tls = require('tls');

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = OK + 'Transfer-Encoding: chunked\r\n\r\n';

const folder = process.argv[2];

function seen(what) {
  fs.appendFileSync(`${folder}/seen`, JSON.stringify(what) + '\n');
}

function sized(body, headers = '') {
  return `${OK}${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}

function later(socket, pieces, ms) {
  const next = () => {
    if (pieces.length === 0 || socket.destroyed) return;
    socket.write(pieces.shift());
    setTimeout(next, ms);
  };
  next();
}

function flood(socket, piece) {
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on('drain', more);
  more();
}

// What answers a request: (socket, the connection below it).

const answers = {
  right: (s) => s.write(sized('{"a":1}')),
  large: (s) => s.write(sized('a'.repeat(60000))),
  chunked: (s) => later(s, [CHUNKED, '3\r\nab', 'c\r\n4;x=y\r\ndef',
                            'g\r\n', '0\r\nLate: yes\r\n', '\r\n'], 20),
  interim: (s) => s.write('HTTP/1.1 100 Continue\r\n\r\n'
                          + 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'
                          + sized('ab')),
  to_close: (s) => s.end('HTTP/1.0 200 OK\r\n\r\nall of it'),
  cut: (s, below) => s.write('HTTP/1.0 200 OK\r\n\r\nhalf of it',
                             () => below.end()),
  no_content: (s) => s.write('HTTP/1.1 204 No Content\r\n\r\n'),
  redirect: (s) => s.write('HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:'
                           + process.argv[3] + '/\r\n'
                           + 'Content-Length: 0\r\n\r\n'),
  error: (s) => s.write('HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nno\n'),
  huge: (s) => s.write(OK + 'Content-Length: 70000\r\n\r\n'),
  flood: (s) => { s.write(CHUNKED); flood(s, '400\r\n' + 'a'.repeat(1024)
                                             + '\r\n'); },
  head_flood: (s) => { s.write(OK); flood(s, 'a'.repeat(1024)); },
  gzip: (s) => s.write(sized('ab', 'Content-Encoding: gzip\r\n')),
  two_lengths: (s) => s.write(sized('ab', 'Content-Length: 3\r\n')),
  no_http: (s) => s.write('b0dy-s3cret and no HTTP\r\n'),
  truncated: (s) => s.end(OK + 'Content-Length: 99\r\n\r\nb0dy-s3cret'),
  close: (s) => s.end(),
  reset: (s, below) => below.resetAndDestroy(),
  hang: () => {},
  hang_reply: (s) => s.write(OK + 'Content-Length: 99\r\n\r\nb0dy-s3cret'),
  drip: (s) => later(s, [...(OK + 'X: ' + 'y'.repeat(999))], 50),
  slow: (s) => setTimeout(() => s.write(sized('{"a":1}')), 1500),
};

// What is done to the connection before anything else, in place of TLS.

const spoilers = {
  hang_handshake: () => {},
  close_handshake: (below) => below.end(),
  plain: (below) => below.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
};

function mode() {
  return fs.readFileSync(`${folder}/mode`, 'utf8').trim();
}

function talk(socket, below, port) {
  let request = '';
  socket.on('data', (data) => {
    const done = request.includes('\r\n\r\n');
    request += data;
    if (done || !request.includes('\r\n\r\n')) return;
    seen({ port, request });
    answers[mode()](socket, below);
  });
}

function serve(port, context) {
  net.createServer((below) => {
    const as = mode();
    const spoil = spoilers[as];

    seen({ port, event: 'connect' });
    below.on('error', () => {});
    below.on('close', () => seen({ port, event: 'close', mode: as }));
    if (spoil) {
      below.on('data', () => {});
      spoil(below);
      return;
    }
    if (!context) {
      talk(below, below, port);
      return;
    }
    const socket = new tls.TLSSocket(below, { isServer: true,
                                              secureContext: context });
    socket.on('error', () => {});
    socket.on('secure', () => seen({ port, event: 'secure',
                                     name: socket.servername || null }));
    talk(socket, below, port);
  }).listen({ port, host: '127.0.0.1', backlog: 511 });
}

for (const argument of process.argv.slice(3)) {
  const [port, what] = argument.split('=');
  if (!what) {
    serve(Number(port));
    continue;
  }
  const [name, version] = what.split(',');
  const versions = !version ? {} : {
    minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
  serve(Number(port), tls.createSecureContext({
    key: fs.readFileSync(`${folder}/${name}.key`),
    cert: fs.readFileSync(`${folder}/${name}.crt`), ...versions }));
}

seen({ event: 'listening' });
