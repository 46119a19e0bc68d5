// What every mini program has, and the language's own library does not name.
declare function setTimeout(callback: () => void, ms: number): number
declare function clearTimeout(timer: number): void
declare const console: { error(...values: unknown[]): void; warn(...values: unknown[]): void }
