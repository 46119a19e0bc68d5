/** One candidate in a process of its own: says its port, and its CPU time (µs) whenever it is asked. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { candidateOf } from './all.js'

const [name = '', settingFile = ''] = process.argv.slice(2)
const server = createServer(await candidateOf(name).serve(JSON.parse(readFileSync(settingFile, 'utf8'))))

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpu: user + system, memory: process.memoryUsage().rss })
})
server.listen(0, '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
// So that a profile is written (BENCH_FLAGS=--cpu-prof).
process.on('SIGTERM', () => process.exit())
