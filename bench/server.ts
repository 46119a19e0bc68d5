/** One candidate in a process of its own: says its port, and its CPU time (µs) whenever it is asked. */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { start } from './candidates.js'

const [name = '', settingFile = ''] = process.argv.slice(2)
const server = await start(name, JSON.parse(readFileSync(settingFile, 'utf8')))

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpu: user + system, memory: process.memoryUsage().rss })
})
process.send?.({ port: (server.address() as AddressInfo).port })
// So that a profile is written (BENCH_FLAGS=--cpu-prof).
process.on('SIGTERM', () => process.exit())
