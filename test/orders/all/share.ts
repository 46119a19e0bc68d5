import type { Share } from '../run-tasks.js'

const { WEAPP_ORDERS_SECONDS: seconds = '390', WEAPP_ORDERS_SEED: seed = '1' } = process.env

/** What the environment asks for. */
export const SHARE: Share = { time: Number(seconds) * 1000, seed: Number(seed) }
