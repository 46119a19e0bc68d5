/** How the search splits texts. Both functions are sent to the browser as they are written: they name nothing outside of them. */

/**
 * Words, and the pairs of neighbouring characters of what is written without spaces. Pairs find what stands in the middle of a sentence, however
 * a dictionary would split it. The last character stands alone too: by that, and as the beginning of a pair, a single one is found.
 */
export function tokenize(text: string): string[] {
  return text.split(/[\s\p{Z}\p{P}`$+<=>^|~]+/u).flatMap((part) => {
    const pieces = part.match(/\p{Script=Han}+|[^\p{Script=Han}]+/gu) ?? []
    return pieces.flatMap((piece) => {
      if (!/\p{Script=Han}/u.test(piece)) return [piece]
      const characters = [...piece]
      return characters.map((character, i) => character + (characters[i + 1] ?? ''))
    })
  })
}

/** Of what is searched for: its pairs alone. */
export function tokenizeQuery(text: string): string[] {
  return text.split(/[\s\p{Z}\p{P}`$+<=>^|~]+/u).flatMap((part) => {
    const pieces = part.match(/\p{Script=Han}+|[^\p{Script=Han}]+/gu) ?? []
    return pieces.flatMap((piece) => {
      const characters = [...piece]
      if (!/\p{Script=Han}/u.test(piece) || characters.length === 1) return [piece]
      return characters.slice(1).map((character, i) => characters[i] + character)
    })
  })
}

/** Words that are misspelt are found; one Chinese character more or less is another word. */
export function fuzzy(term: string): number | false {
  return /\p{Script=Han}/u.test(term) ? false : 0.2
}

/** A message that is pasted is in the index of errors; other pages have the same words, more often. */
export function boostDocument(id: string): number {
  return /\/errors(\.html)?#/.test(id) ? 2 : 1
}

export const miniSearch = {
  options: { tokenize },
  searchOptions: {
    tokenize: tokenizeQuery,
    fuzzy,
    boostDocument,
    prefix: true,
    boost: { title: 4, text: 2, titles: 1 },
  },
}
