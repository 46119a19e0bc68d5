import { CANDIDATES, type Candidate } from './candidates.js'
import { LOGINS } from './logins.js'

export const ALL: Readonly<Record<string, Candidate>> = { ...CANDIDATES, ...LOGINS }

export function candidateOf(name: string): Candidate {
  const candidate = ALL[name]
  if (!candidate) throw new Error(`no candidate ${name}: there are ${Object.keys(ALL).join(', ')}`)
  return candidate
}
