#!/usr/bin/env node
/** `npx weapp-simulator`: a WeChat on a port of this machine. */
import { main } from './cli/main.js'

process.exitCode = await main(process.argv.slice(2), process.env)
