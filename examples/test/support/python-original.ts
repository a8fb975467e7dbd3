import { readFileSync } from 'node:fs'

function read(file: string): string {
  return readFileSync(new URL(`../../python/${file}`, import.meta.url), 'utf8')
}

/** What CPython 3.13 printed when `npm run record` was last run. */
export function recorded(name: string): string {
  return read(`${name}.out`)
}

/** What the document says that it prints; null where it does not say. */
export function documented(name: string): string | null {
  const [, comment] = read(`${name}.py`).split('# Expected output:\n#\n')
  return comment?.replaceAll(/^# {5}/gm, '') ?? null
}

/** How the two languages spell the same values, and what is another in every run. */
const spellings: readonly [RegExp, string][] = [
  [/\bTrue\b/g, 'true'],
  [/\bFalse\b/g, 'false'],
  [/<Future finished result='(.*)'>/g, '$1'],
  [/(?<=thread pool )b(['"]).*\1$/gm, 'RANDOM BYTES'],
  [/(?<=thread pool )[0-9a-f]{200}$/gm, 'RANDOM BYTES'],
  [/(?<=127\.0\.0\.1(?::|', ))\d+/g, 'PORT'],
]

/** The part of an output that every run of either program shares. */
export function stable(output: string): string {
  return spellings.reduce((text, [pattern, spelling]) => text.replaceAll(pattern, spelling), output)
}
