'use strict';

/*
 * A server that does what its request says, by the path: /STATUS answers that
 * status; /close says that it closes the connection after it, /drop closes it
 * without an answer, /slow takes its time.  It prints its port, and on SIGTERM
 * every body that it got, one a line.
 */

const http = require('node:http');

const SLOW_MS = 100;
const bodies = [];


const server = http.createServer((request, response) => {
    const what = request.url.slice(1);
    let body = '';

    request.on('data', (data) => { body += data; });
    request.on('end', () => {
        bodies.push(body);

        if (what === 'drop') {
            request.socket.destroy();
        } else if (what === 'slow') {
            setTimeout(() => answer(response, 200), SLOW_MS);
        } else if (what === 'close') {
            response.shouldKeepAlive = false;
            answer(response, 200);
        } else {
            answer(response, Number(what));
        }
    });
});


function answer(response, status) {
    response.writeHead(status, { 'content-length': 2 });
    response.end('ok');
}


process.on('SIGTERM', () => {
    process.stdout.write(bodies.map((body) => `${body}\n`).join(''),
        () => process.exit(0));
});

server.listen(0, '127.0.0.1', () => console.log(server.address().port));
