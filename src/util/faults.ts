/** What goes wrong on purpose, in development: the inspector sets it, and nobody else. Empty in production. */
export interface Faults {
  /** Called before each call of the store. It may take its time, or throw what the store would. */
  store?: Trouble | undefined
  /** The same, before each call of WeChat: what throws was not sent. */
  wechat?: Trouble | undefined
}

export type Trouble = () => Promise<void>
