import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureProgram } from '../../scripts/debian.js'

/** How a process gets a part of a core. */
export interface Quota {
  /** What does it. */
  readonly name: string
  /** The command that runs this one, limited from its first moment, in the same process. */
  limited(command: string[]): [string, string[]]
  /** Limits a process that has been started. */
  started(child: ChildProcess): void
  end(): void
}

export const FULL_SPEED: Quota = {
  name: 'no quota',
  limited: ([program = '', ...args]) => [program, args],
  started() {},
  end() {},
}

/** µs over which a quota is counted: what containers have. */
const PERIOD = 100_000

/** The files of both versions of control groups that set a quota, and what is written there. */
const CGROUPS: { root: string; settings(quota: number): Record<string, string> }[] = [
  { root: '/sys/fs/cgroup', settings: (quota) => ({ 'cpu.max': `${quota} ${PERIOD}` }) },
  {
    root: '/sys/fs/cgroup/cpu',
    settings: (quota) => ({ 'cpu.cfs_period_us': `${PERIOD}`, 'cpu.cfs_quota_us': `${quota}` }),
  },
]

/**
 * A quota of so much of a core: a control group, where this process may make one, else Debian's cpulimit; `undefined`
 * where there is neither. WEAPP_QUOTA=cpulimit takes the latter, wherever it runs.
 */
export function quotaOf(cores: number): Quota | undefined {
  const groups = process.env.WEAPP_QUOTA === 'cpulimit' ? [] : CGROUPS
  for (const { root, settings } of groups) {
    const group = cgroup(root, settings(cores * PERIOD))
    if (group) return group
  }
  return cpulimit(cores)
}

function cgroup(root: string, settings: Record<string, string>): Quota | undefined {
  const folder = join(root, `weapp-${process.pid}`)
  try {
    mkdirSync(folder)
  } catch {
    return undefined
  }
  const end = () => rmdirSync(folder)
  try {
    for (const [name, value] of Object.entries(settings)) {
      // Where the file is not there, this kind of group has no quota: it must not be made.
      if (!existsSync(join(folder, name))) throw new Error(`no ${name}`)
      writeFileSync(join(folder, name), value)
    }
  } catch {
    end()
    return undefined
  }
  return {
    name: `${root} (${Object.keys(settings).at(-1)})`,
    // The shell puts itself into the group, and becomes the command.
    limited: (command) => [
      '/bin/sh',
      ['-c', 'echo $$ > "$0" && exec "$@"', join(folder, 'cgroup.procs'), ...command],
    ],
    started() {},
    end,
  }
}

function cpulimit(cores: number): Quota | undefined {
  const program = { command: 'cpulimit', versionFlag: '--help', package: 'cpulimit' }
  if (!ensureProgram(program) || spawnSync('cpulimit', ['--help']).error) return undefined
  return {
    ...FULL_SPEED,
    name: 'cpulimit',
    started(child) {
      // It stops and continues the process, and ends with it.
      const options = ['--lazy', `--limit=${cores * 100}`, `--pid=${child.pid}`]
      spawn('cpulimit', options, { stdio: 'ignore' }).unref()
    },
  }
}
