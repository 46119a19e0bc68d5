import type { Entry, Export } from './api.js'

const INTRODUCTION = `# The API

<!-- Written by npm run docs, from the declarations. A test compares: change the comments in the sources instead. -->

Every name that the packages export, as the compiler declares it. Times are in the unit that stands with them: seconds
for the lives of sessions and tokens, ms for what is waited for. What throws says what; the codes of errors are stable,
their messages are not.
`

/** The page docs/api.md. */
export function printApi(entries: Entry[]): string {
  return [INTRODUCTION, contents(entries), ...entries.map(printEntry)].join('\n')
}

/** One line for each exported name: what is compared when a name comes or goes. */
export function printReport(entries: Entry[]): string {
  const lines = entries.map(({ name, exports }) => {
    return [name, ...exports.map((one) => `  ${one.kind.padEnd(9)} ${one.name}`).sort()].join('\n')
  })
  return `${lines.join('\n\n')}\n`
}

function contents(entries: Entry[]): string {
  const anchorOf = anchors()
  const rows = entries.map(({ name, exports }) => {
    anchorOf(name)
    const links = exports.map((one) => `[\`${one.name}\`](#${anchorOf(titleOf(name, one))})`)
    return `| \`${name}\` | ${links.join(', ')} |`
  })
  return `| import from | names |\n|---|---|\n${rows.join('\n')}\n`
}

function printEntry({ name, exports }: Entry): string {
  return [`## ${name}\n`, ...exports.map((one) => printExport(name, one))].join('\n')
}

function printExport(entry: string, one: Export): string {
  const { comment, code } = one
  return [
    `### ${titleOf(entry, one)}\n`,
    `${linked(comment.text)}\n`,
    ...comment.throws.map((what) => `Throws ${linked(what.replace(/^\{(\w+)\} ?/, '`$1` '))}.\n`),
    ...comment.examples.map((example) => `\`\`\`ts\n${example}\n\`\`\`\n`),
    `\`\`\`typescript\n${code}\n\`\`\`\n`,
  ].join('\n')
}

/** Packages have names in common. */
function titleOf(entry: string, { name }: Export): string {
  return entry === 'koa-weapp-session' ? name : `${name} (${entry.replace('koa-weapp-session/', '')})`
}

/** The anchors of headings, in their order: of two that differ in case alone, the second is numbered. */
function anchors(): (title: string) => string {
  const times = new Map<string, number>()
  return (title) => {
    const anchor = title
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-')
    const before = times.get(anchor) ?? 0
    times.set(anchor, before + 1)
    return before ? `${anchor}-${before}` : anchor
  }
}

function linked(text: string): string {
  return text.replace(/\{@link ([\w.]+)\}/g, '`$1`')
}
