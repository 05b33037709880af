#!/usr/bin/env node
// Each running query keeps one thread of libuv's pool busy. Its size is read once, at first use, and loading an ES
// module is already a use: hence this small CommonJS entry.
process.env['UV_THREADPOOL_SIZE'] ??= '64';
void import('./serve.js');
