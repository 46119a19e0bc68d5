import test from 'ava'
import { memoryStore } from '../src/index.js'
import { testStore } from './support/store-contract.js'

testStore(test, async () => memoryStore())
