// Writes each package's public declarations, without their comments, to api/<package>.d.ts, so that a review shows each
// change of a signature as a changed line. With --check this script writes nothing: it names the reports that are out of
// date, and fails if there is one.
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

const check = process.argv.includes('--check')
const stale: string[] = []

function report(folder: string): string {
  const parts = globSync('dist/**/*.d.ts', { cwd: folder })
    .toSorted()
    .map((file) => {
      const code = readFileSync(`${folder}/${file}`, 'utf8')
        .replace(/^\s*\/\*\*[\s\S]*?\*\/\n/gm, '')
        .replace(/^\/\/# sourceMappingURL=.*$/gm, '')
        .trim()
      return `// ${file}\n${code}\n`
    })
  return parts.join('\n')
}

mkdirSync('api', { recursive: true })
for (const folder of globSync('packages/*').toSorted()) {
  const target = `api/${basename(folder)}.d.ts`
  const current = report(folder)
  let recorded = ''
  try {
    recorded = readFileSync(target, 'utf8')
  } catch {
    // A new package has no report yet.
  }
  if (current === recorded) continue
  stale.push(target)
  if (!check) writeFileSync(target, current)
}

if (stale.length > 0) {
  console.log(`${check ? 'Out of date, run pnpm api' : 'Written'}: ${stale.join(', ')}`)
  if (check) process.exitCode = 1
}
