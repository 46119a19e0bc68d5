/** Where the source is: links out of docs/ lead there. */
import { readFileSync } from 'node:fs'

interface Manifest {
  repository?: string | { url: string }
}

/**
 * An address without a slash at its end, from `repository` of package.json, else from GitHub's own runners. Without either, links to files of
 * the source are text alone.
 */
export function repositoryOf(
  { repository }: Manifest,
  { GITHUB_REPOSITORY }: NodeJS.ProcessEnv,
): string | undefined {
  const given = typeof repository === 'object' ? repository.url : repository
  const [, name] =
    /(?:^|github:|github\.com[/:])([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(given ?? GITHUB_REPOSITORY ?? '') ??
    []
  return name && `https://github.com/${name}`
}

export const repository: string | undefined = repositoryOf(
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')),
  process.env,
)
