import type { Entry } from './api.js'
import type { Declaration } from './declarations.js'

const NOTE =
  '<!-- Written by npm run docs, from the declarations. A test compares: change the comments in src/ instead. -->'

const INTRODUCTION = `# The API

${NOTE}

Every name that the packages export, as the compiler declares it: a page for each import. Times are in the unit that
stands with them: seconds for the lives of sessions and tokens, ms for what is waited for. What throws says what; the
codes of errors are stable, their messages are not.
`

/** The pages, by their names in docs/. */
export function printPages(entries: Entry[]): Map<string, string> {
  const pages = entries.map((entry): [string, string] => [`api/${entry.page}.md`, printEntry(entry, entries)])
  return new Map([['api.md', printIndex(entries)], ...pages])
}

/** One line for each exported name: what is compared when a name comes or goes. */
export function printReport(entries: Entry[]): string {
  const lines = entries.map(({ name, exports }) => {
    return [name, ...exports.map((one) => `  ${one.kind.padEnd(9)} ${one.name}`).sort()].join('\n')
  })
  return `${lines.join('\n\n')}\n`
}

function printIndex(entries: Entry[]): string {
  const sections = entries.map((entry) => {
    const importable = groupsOf(entry).filter(({ title }) => title !== INTERNAL)
    const lists = importable.map(({ title, all }) => {
      return `${title}: ${all.map((one) => linkTo(one, entry, `./api/${entry.page}.md`)).join(', ')}.\n`
    })
    return [`## [${entry.name}](./api/${entry.page}.md)\n`, ...lists].join('\n')
  })
  return [INTRODUCTION, ...sections].join('\n')
}

function printEntry(entry: Entry, entries: Entry[]): string {
  const { name } = entry
  const sections = groupsOf(entry).flatMap(({ title, note, all }) => [
    `## ${title}\n`,
    ...(note ? [`${note}\n`] : []),
    ...all.map((one) => printDeclaration(one, entry, entries)),
  ])
  return [`# ${name}\n`, `${NOTE}\n`, '[All pages](../api.md)\n', ...sections].join('\n')
}

const INTERNAL = 'Not exported'

interface Group {
  title: string
  note?: string
  all: Declaration[]
}

/** What is called, what is written, and the rest, in the order of the page. */
function groupsOf({ exports, internal, augmentations }: Entry): Group[] {
  const isType = ({ kind }: Declaration) => kind === 'interface' || kind === 'type'
  const groups: Group[] = [
    { title: 'Functions, classes and constants', all: exports.filter((one) => !isType(one)) },
    { title: 'Types', all: exports.filter(isType) },
    { title: 'Added to other modules', all: augmentations },
    { title: INTERNAL, note: 'What the types above are declared with.', all: internal },
  ]
  return groups.filter(({ all }) => all.length > 0)
}

function printDeclaration({ name, comment, code }: Declaration, entry: Entry, entries: Entry[]): string {
  const linked = (text: string) => withLinks(text, entry, entries)
  return [
    `### ${name}\n`,
    ...(comment.text ? [`${linked(comment.text)}\n`] : []),
    ...comment.throws.map((what) => `Throws ${linked(what.replace(/^\{(\w+)\} ?/, '`$1` '))}.\n`),
    ...comment.examples.map((example) => `\`\`\`ts\n${example}\n\`\`\`\n`),
    `\`\`\`typescript\n${code.replace(LINK, (_, path: string, text?: string) => `\`${text ?? path}\``)}\n\`\`\`\n`,
  ].join('\n')
}

const LINK = /\{@link ([\w.]+)(?: ?\| ?([^}]*))?\}/g

/** `{@link name}` leads to where the name is printed: on this page, or on that of another import. */
function withLinks(text: string, entry: Entry, entries: Entry[]): string {
  return text.replace(LINK, (_, path: string, text: string = path) => {
    const [name] = path.split('.')
    for (const one of [entry, ...entries]) {
      const declaration = printed(one).find((declaration) => declaration.name === name)
      if (declaration) return linkTo(declaration, one, one === entry ? '' : `./${one.page}.md`, text)
    }
    return `\`${text}\``
  })
}

function linkTo(one: Declaration, entry: Entry, page: string, text: string = one.name): string {
  return `[\`${text}\`](${page}#${anchorsOf(entry).get(one)})`
}

function printed(entry: Entry): Declaration[] {
  return groupsOf(entry).flatMap(({ all }) => all)
}

/** As GitHub makes them: of two headings that differ in case alone, the second is numbered. */
function anchorsOf(entry: Entry): Map<Declaration, string> {
  const times = new Map<string, number>()
  const anchorOf = (heading: string) => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-')
    const before = times.get(anchor) ?? 0
    times.set(anchor, before + 1)
    return before ? `${anchor}-${before}` : anchor
  }
  anchorOf(entry.name)
  const found = groupsOf(entry).flatMap(({ title, all }) => {
    anchorOf(title)
    return all.map((one): [Declaration, string] => [one, anchorOf(one.name)])
  })
  return new Map(found)
}
