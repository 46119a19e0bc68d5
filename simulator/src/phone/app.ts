import type { Clock } from '../clock.js'
import { callBack, type Outcome } from './callbacks.js'
import type { AnyMishap, Mishaps, WxApi } from './mishaps.js'
import type { Callbacks, WxFailure, WxSuccess } from './wx.js'

/**
 * One run of the mini program, from its start until it is killed. Calls of a killed app do nothing and
 * call nobody back: in WeChat its code is gone by then.
 */
export interface App {
  isAlive(): boolean
  kill(): void
  /** Runs `action` in `ms` milliseconds, but never in this turn of the event loop, if the app still lives. */
  later(action: () => void, ms?: number): () => void
  /** Counts a call, and says what goes wrong with it; an errCode only when it `isRouted` through WeChat's servers. */
  mishap(api: WxApi, isRouted?: boolean): AnyMishap | undefined
  /** An asynchronous call; `work` is done when its time has come. */
  call<Result extends WxSuccess>(
    api: WxApi,
    callbacks: Callbacks<Result> | undefined,
    work: (mishap: AnyMishap | undefined) => Outcome<Result>,
  ): void
  /** The same for calls that return a promise when nobody is to be called back. */
  callOrPromise<Result extends WxSuccess>(
    api: WxApi,
    callbacks: Callbacks<Result> | undefined,
    work: () => Outcome<Result>,
  ): undefined | Promise<Result>
  /** A synchronous call: nothing happens when the app is dead. */
  callSync<Result>(api: WxApi, work: () => Result): Result | undefined
}

export function createApp({ clock, mishaps }: { clock: Clock; mishaps: Mishaps }): App {
  const stops = new Set<() => void>()
  let alive = true

  return { isAlive: () => alive, kill, later, mishap: mishaps.take, call, callOrPromise, callSync }

  function kill(): void {
    alive = false
    for (const stop of [...stops]) stop()
  }

  function later(action: () => void, ms = 0): () => void {
    if (!alive) return () => {}
    const cancel = ms > 0 ? clock.after(ms, run) : cancelImmediate(setImmediate(run))
    stops.add(stop)
    return stop

    function run(): void {
      stops.delete(stop)
      action()
    }

    function stop(): void {
      stops.delete(stop)
      cancel()
    }
  }

  function call<Result extends WxSuccess>(
    api: WxApi,
    callbacks: Callbacks<Result> | undefined,
    work: (mishap: AnyMishap | undefined) => Outcome<Result>,
  ): void {
    if (!alive) return
    const mishap = mishaps.take(api)
    if (mishap === 'hang') return

    const failure = failureOf(mishap)
    later(
      () => callBack(api, callbacks ?? {}, failure === undefined ? work(mishap) : { failure }),
      delayOf(mishap),
    )
  }

  function callOrPromise<Result extends WxSuccess>(
    api: WxApi,
    callbacks: Callbacks<Result> | undefined,
    work: () => Outcome<Result>,
  ): undefined | Promise<Result> {
    if (callbacks?.success || callbacks?.fail || callbacks?.complete) {
      call(api, callbacks, work)
      return undefined
    }
    return new Promise((success, fail) => call(api, { success, fail }, work))
  }

  function callSync<Result>(api: WxApi, work: () => Result): Result | undefined {
    if (!alive) return undefined
    const failure = failureOf(mishaps.take(api))
    if (failure !== undefined) throw Object.assign(new Error(failure.errMsg), failure)
    return work()
  }
}

/** The failure that a mishap is, if it is one. */
export function failureOf(mishap: AnyMishap | undefined): WxFailure | undefined {
  if (typeof mishap !== 'object' || !('errMsg' in mishap)) return undefined
  const { errMsg, errno } = mishap
  return { errMsg, ...(errno !== undefined && { errno }) }
}

/** Milliseconds that a mishap takes. */
export function delayOf(mishap: AnyMishap | undefined): number {
  return typeof mishap === 'object' ? (mishap.delay ?? 0) : 0
}

function cancelImmediate(immediate: NodeJS.Immediate): () => void {
  return () => clearImmediate(immediate)
}
