/** One worker: the sessions of this app are in its memory. */
module.exports = { port: Number(process.env.PORT), host: '127.0.0.1', workers: 1 }
