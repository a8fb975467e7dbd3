/**
 * Scans the source of a function for calls, and skips strings and comments. The scan does not understand regular
 * expressions and nested templates. If it misses a call, the job fails later with a less helpful message.
 */

export interface Call {
  readonly name: string
  /** The text between the parentheses. */
  readonly argument: string
}

/** Yields the calls in `source` whose function is a plain name, and not a method. */
export function* findCalls(source: string): Generator<Call> {
  for (let at = 0; at < source.length;) {
    const skipped = skipText(source, at)
    if (skipped > at) {
      at = skipped
      continue
    }
    nameAndParenthesis.lastIndex = at
    const match = nameAndParenthesis.exec(source)
    if (match === null) {
      word.lastIndex = at
      at += word.exec(source)?.[0].length ?? 1
      continue
    }
    const [whole, name] = match as unknown as [string, string]
    const start = at + whole.length
    if (source[at - 1] !== '.')
      yield { name, argument: source.slice(start, findEnd(source, start)) }
    at = start
  }
}

const nameAndParenthesis = /([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*\(/uy
const word = /[\p{ID_Continue}$]+/uy

/** Returns the position after the string or comment that begins at `at`, or `at` when none begins there. */
function skipText(source: string, at: number): number {
  const two = source.slice(at, at + 2)
  if (two === '//') return endOf(source, '\n', at)
  if (two === '/*') return endOf(source, '*/', at + 2)
  const quote = source[at] as string
  if (quote !== '"' && quote !== "'" && quote !== '`') return at
  for (let i = at + 1; i < source.length; i++) {
    if (source[i] === '\\') i++
    else if (source[i] === quote) return i + 1
  }
  return source.length
}

function endOf(source: string, what: string, from: number): number {
  const at = source.indexOf(what, from)
  return at === -1 ? source.length : at + what.length
}

/**
 * Returns the position of the closing parenthesis that belongs to the opening parenthesis just before `start`; the
 * length of `source` when there is none.
 */
function findEnd(source: string, start: number): number {
  let depth = 1
  for (let at = start; at < source.length;) {
    const skipped = skipText(source, at)
    if (skipped > at) {
      at = skipped
      continue
    }
    if (source[at] === '(') depth++
    else if (source[at] === ')' && --depth === 0) return at
    at++
  }
  return source.length
}

/** Returns the specifier of the first `import()` of a relative path in `source`; null when there is none. */
export function findRelativeImport(source: string): string | null {
  if (!source.includes('import')) return null
  for (const { name, argument } of findCalls(source)) {
    if (!importNames.has(name)) continue
    const specifier = /^\s*(?:\/\*[^]*?\*\/\s*)*(['"`])(\.\.?\/[^]*?)\1/.exec(argument)?.[2]
    if (specifier !== undefined) return specifier
  }
  return null
}

/** The name `import`, and the names that vitest replaces it with. */
const importNames: ReadonlySet<string> = new Set([
  'import',
  '__vite_ssr_dynamic_import__',
  '__vi_import__',
])

/**
 * Returns the names of a bundler's helper that sets the name of a function or class: `helper(function…, "name")`.
 * esbuild calls this helper `__name`, or any short name when it minifies with `keepNames`.
 */
export function findNamingHelpers(source: string): string[] {
  const isHelper = new Map<string, boolean>()
  for (const { name, argument } of findCalls(source)) {
    const named = /^([^]*),\s*"[^"]*"\s*$/.exec(argument)?.[1]?.trim()
    const fits = named !== undefined && isFunctionIn(source, named)
    isHelper.set(name, fits && isHelper.get(name) !== false)
  }
  return [...isHelper].filter(([name, fits]) => fits && !(name in globalThis)).map(([name]) => name)
}

function isFunctionIn(source: string, text: string): boolean {
  if (/^(?:async\b|function\b|class\b|\()/.test(text) || /^[\w$]+\s*=>/.test(text)) return true
  if (text === 'this') return /\bstatic\s*\{/.test(source)
  if (!/^[\w$]+$/.test(text)) return false
  const escaped = text.replaceAll('$', String.raw`\$`)
  return new RegExp(String.raw`(?:function\s*\*?|class)\s+${escaped}(?![\w$])`).test(source)
}
