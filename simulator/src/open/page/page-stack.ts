import type { component } from 'glass-easel-miniprogram-adapter'
import type { EventChannel } from './event-channel.js'
import type { Frame } from './frames.js'

/** A page or a component, as its code sees itself. */
export type Caller = component.GeneralComponent &
  Record<string, unknown> & { route?: string; options?: Query }

export type Query = Record<string, string>

/** The stack of pages, and the ways between them. Each way throws an `Error` with WeChat's text when it leads nowhere. */
export interface Pages {
  /** Gives this page's end of a channel to the one that it opens, which hears of `events` from the start. */
  navigateTo(url: string, events?: Record<string, () => void>): EventChannel
  redirectTo(url: string): void
  reLaunch(url: string): void
  switchTab(url: string): void
  navigateBack(delta?: number): void
  /** Of the page on top, or of each of them, the first one below. */
  stack(): Caller[]
  top(): Caller | undefined
  frame(): Frame | undefined
  /** Calls a lifecycle method of the page on top, and tells its components. */
  call(name: PageLifecycle, ...args: unknown[]): unknown
}

export type PageLifecycle =
  | 'onLoad'
  | 'onShow'
  | 'onReady'
  | 'onHide'
  | 'onUnload'
  | 'onPullDownRefresh'
  | 'onReachBottom'
  | 'onPageScroll'
