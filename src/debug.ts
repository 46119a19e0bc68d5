import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import debug from 'debug'
import { channelName, DIAGNOSTICS } from './diagnostics.js'

const printers = DIAGNOSTICS.map((name) => {
  const channel = channelName(name)
  const print = debug(channel)
  return { channel, isOn: print.enabled, listener: (message: unknown) => print('%o', message) }
})

/** `DEBUG=koa-weapp-session:*` prints what the channels say. Once, however often it is asked for. */
export function printDiagnostics(): void {
  for (const { channel, isOn, listener } of printers) {
    if (!isOn) continue
    unsubscribe(channel, listener)
    subscribe(channel, listener)
  }
}
