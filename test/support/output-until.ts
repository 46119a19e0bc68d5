import type { ChildProcessWithoutNullStreams } from 'node:child_process'

/** What a process printed until it said a word, or ended. */
export function outputUntil(child: ChildProcessWithoutNullStreams, word: string): Promise<string> {
  let output = ''
  return new Promise((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        if (output.includes(word)) resolve(output)
      })
    }
    child.on('close', () => resolve(output))
  })
}
