import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { DockerfileParser, type Instruction } from 'dockerfile-ast'

export interface Step {
  keyword: string
  /** What follows, with variables as they are written. */
  args: string[]
  flags: Record<string, string>
}

export interface Stage {
  image: string
  /** Its name, or its number. */
  name: string
  steps: Step[]
}

/** The stages of a Dockerfile. */
export function readStages(text: string): Stage[] {
  const stages: Stage[] = []
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const step = stepOf(instruction)
    if (step.keyword === 'FROM') {
      const [image = '', , name = `${stages.length}`] = step.args
      stages.push({ image, name, steps: [] })
    } else stages.at(-1)?.steps.push(step)
  }
  return stages
}

function stepOf(instruction: Instruction): Step {
  const flagged = instruction as Partial<{ getFlags(): { getName(): string; getValue(): string | null }[] }>
  const flags = (flagged.getFlags?.() ?? []).map((flag) => [flag.getName(), flag.getValue() ?? ''])
  return {
    keyword: instruction.getKeyword(),
    args: instruction.getArguments().map((argument) => argument.getValue()),
    flags: Object.fromEntries(flags),
  }
}

/**
 * Does what a Dockerfile says, without Docker: a stage is a folder, COPY copies, and RUN runs in the folder of WORKDIR,
 * with the Node that is here. What only root can do, in the last stage, is left out. Resolves to the folder of the
 * last stage, which is gone after the test.
 */
export function buildStages(t: ExecutionContext, stages: readonly Stage[], context: string): string {
  const root = mkdtempSync(join(tmpdir(), 'one-stroke-image-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))

  for (const stage of stages) {
    const top = join(root, stage.name)
    let folder = top
    for (const { keyword, args, flags } of stage.steps) {
      if (keyword === 'WORKDIR') folder = join(top, args[0] ?? '')
      mkdirSync(folder, { recursive: true })
      if (keyword === 'COPY') copy(args, flags.from === undefined ? context : join(root, flags.from), folder)
      if (keyword === 'RUN' && stage !== stages.at(-1)) run(args.join(' '), folder)
    }
  }
  return join(root, stages.at(-1)?.name ?? '')
}

function copy(args: string[], from: string, folder: string): void {
  const target = args.at(-1) ?? ''
  for (const source of args.slice(0, -1)) {
    const path = join(from, source)
    const isInto = target.endsWith('/') || args.length > 2
    const destination = isInto ? join(folder, target, basename(source)) : join(folder, target)
    // As Dockerfile.dockerignore has it, for what comes from here.
    const filter = (name: string) => !/\/(node_modules|dist)$/.test(name) || name === path
    cpSync(path, destination, {
      recursive: true,
      verbatimSymlinks: true,
      ...(from.includes('one-stroke-image') ? {} : { filter }),
    })
  }
}

function run(command: string, folder: string): void {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, npm_config_prefer_offline: 'true' }
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', command], { cwd: folder, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`RUN ${command}: ${stdout}${stderr}`)
}

/** Which of these paths a .dockerignore keeps out. It is one that keeps out everything but what it names with `!`. */
export function keptOut(ignoreFile: string, paths: readonly string[]): string[] {
  const lines = readFileSync(ignoreFile, 'utf8').split('\n').filter(Boolean)
  const kept = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  return paths.filter((path) => !kept.some((name) => path === name || path.startsWith(`${name}/`)))
}

/** Which of these paths are not there. */
export function missing(context: string, paths: readonly string[]): string[] {
  return paths.filter((path) => !existsSync(join(context, path)))
}
