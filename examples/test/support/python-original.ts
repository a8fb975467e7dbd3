import { readFileSync } from 'node:fs'

function read(file: string): string {
  return readFileSync(new URL(`../../python/${file}`, import.meta.url), 'utf8')
}

/** Returns the output of the original that `python/record.sh` has recorded from CPython 3.13. */
export function recorded(name: string): string {
  return read(`${name}.out`)
}

/** Returns the output that a comment in the original gives, or null if there is no such comment. */
export function documented(name: string): string | null {
  const [, comment] = read(`${name}.py`).split('# Expected output:\n#\n')
  return comment?.replaceAll(/^# {5}/gm, '') ?? null
}

/** Patterns for values that Python and JavaScript print differently, or that are different in every run. */
const spellings: readonly [RegExp, string][] = [
  [/\bTrue\b/g, 'true'],
  [/\bFalse\b/g, 'false'],
  [/<Future finished result='(.*)'>/g, '$1'],
  [/(?<=thread pool )b(['"]).*\1$/gm, 'RANDOM BYTES'],
  [/(?<=thread pool )[0-9a-f]{200}$/gm, 'RANDOM BYTES'],
  [/(?<=127\.0\.0\.1(?::|', ))\d+/g, 'PORT'],
]

/** Returns an output in a form that is the same for both programs and in every run. */
export function stable(output: string): string {
  return spellings.reduce((text, [pattern, spelling]) => text.replaceAll(pattern, spelling), output)
}
