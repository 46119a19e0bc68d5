import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { parseDocument } from 'yaml'
import { root } from './support/pack.js'

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** What npm does without a script of that name. */
const BUILT_IN = ['ci', 'install']
const files = readdirSync(join(root, '.github'), { recursive: true, encoding: 'utf8' })
const yamls = files.filter((file) => /\.ya?ml$/.test(file))

interface Workflow {
  permissions: Record<string, string>
  jobs: Record<string, Job>
}

interface Job {
  strategy?: { matrix: Record<string, (string | number)[]> }
  steps: { run?: string; uses?: string }[]
}

interface Form {
  name: string
  description: string
  body: { type: string; id?: string; attributes: Record<string, unknown> }[]
}

test('.github/workflows: the YAML of .github/ parses', (t) => {
  t.true(yamls.length >= 4)
  for (const file of yamls) {
    const { errors, warnings } = parseDocument(text(file))
    t.deepEqual([...errors, ...warnings], [], file)
  }
})

test('.github/workflows: every npm script that a workflow calls is one', (t) => {
  const called = workflows().flatMap(({ jobs }) => Object.values(jobs).flatMap(scriptsOf))

  t.deepEqual(
    called.filter((name) => !(name in scripts) && !BUILT_IN.includes(name)),
    [],
  )
  for (const name of [
    'test',
    'check',
    'test:faults',
    'test:orders',
    'test:wire',
    'test:slow-machine',
    'soak',
    'test:frameworks',
    'test:koa-2',
    'test:matrix',
  ])
    t.true(called.includes(name), name)
})

test('.github/workflows: a workflow runs every version of Node that the project supports, may read only, and has no secret', (t) => {
  for (const { permissions, jobs } of workflows()) {
    t.deepEqual(permissions, { contents: 'read' })
    t.deepEqual(jobs.test?.strategy?.matrix.node, [20, 22, 24])
  }
  for (const file of yamls) t.notRegex(text(file), /secrets\./, file)
})

test('.github/ISSUE_TEMPLATE: an issue form says that no secret is pasted, in both languages', (t) => {
  const forms = yamls.filter((file) => /^ISSUE_TEMPLATE.(?!config)/.test(file))

  t.is(forms.length, 2)
  for (const file of forms) {
    const { name, description, body } = parseDocument(text(file)).toJS() as Form
    const ids = body.flatMap(({ id }) => id ?? [])
    t.true(name !== '' && description !== '')
    t.is(new Set(ids).size, ids.length, file)
    t.regex(text(file), /secret.*session_key/i)
    t.regex(text(file), /敏感信息.*session_key/)
  }
})

/** Where carriers and stores are exported. */
const ENTRIES = ['index.ts', 'jwt/index.ts', 'stores/express/index.ts', 'stores/koa/index.ts']

test('.github/ISSUE_TEMPLATE: the bug form offers every carrier and store that the server exports', (t) => {
  const names = ENTRIES.flatMap(
    (entry) => readFileSync(join(root, 'src', entry), 'utf8').match(/\b(\w+Carrier|\w+Store)\b/g) ?? [],
  )
  const functions = new Set(names.filter((name) => /^[a-z]/.test(name)))
  const form = text(join('ISSUE_TEMPLATE', 'bug.yml'))

  t.true(functions.size >= 7)
  for (const name of functions) t.true(form.includes(name), name)
})

function text(file: string): string {
  return readFileSync(join(root, '.github', file), 'utf8')
}

function workflows(): Workflow[] {
  const found = yamls.filter((file) => file.startsWith('workflows'))
  return found.map((file) => parseDocument(text(file)).toJS() as Workflow)
}

/** The scripts of a job's steps, with each name of its matrix in its place. */
function scriptsOf({ strategy, steps }: Job): string[] {
  const lines = steps.flatMap(({ run = '' }) => run.split('\n'))
  return lines.flatMap((line) => {
    const [, name] = /^npm (?:run )?(?:--silent )?(.+?)\s*$/.exec(line) ?? []
    const [, key] = /^\$\{\{ matrix\.(\w+) \}\}$/.exec(name ?? '') ?? []
    if (key) return (strategy?.matrix[key] ?? []).map(String)
    return name ? [name] : []
  })
}
