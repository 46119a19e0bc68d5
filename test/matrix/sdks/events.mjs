// A server that an SDK checks and decrypts messages for. Prints its address, and then each message.
const { name, ...options } = JSON.parse(process.argv[2])
const { listen } = await import(`./events/${name}.mjs`)
const server = listen(options, (message) => console.log(JSON.stringify({ message })))
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
