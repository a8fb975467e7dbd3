// What runs in the pools' workers: each function stands for itself.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

const skipped = new Set(['node_modules', 'dist', '.git', '.turbo'])

async function filesUnder(path: string): Promise<string[]> {
  if ((await stat(path)).isFile()) return [path]
  const entries = await readdir(path, { withFileTypes: true })
  const nested = await Promise.all(
    entries
      .filter((entry) => !skipped.has(entry.name))
      .map(async (entry) => {
        const full = join(path, entry.name)
        if (entry.isDirectory()) return filesUnder(full)
        return entry.isFile() ? [full] : []
      }),
  )
  return nested.flat().toSorted()
}

/** SHA-256 of a file, or of every file under a folder, in the order of their names. */
export async function hash(path: string): Promise<string> {
  const digest = createHash('sha256')
  const files = await filesUnder(path)
  for (const file of files)
    for await (const chunk of createReadStream(file)) digest.update(chunk as Buffer)
  return `${digest.digest('hex')}  ${files.length} file(s)`
}

/** How many words the text files under a path have. */
export async function words(path: string): Promise<string> {
  const files = (await filesUnder(path)).filter((file) => /\.(md|txt)$/.test(file))
  let total = 0
  for (const file of files)
    total += (await readFile(file, 'utf8')).split(/\s+/).filter(Boolean).length
  return `${total} words in ${files.length} file(s)`
}

/** How many primes there are up to `n`. */
export function primes(n: number): string {
  const composite = new Uint8Array(n + 1)
  let count = 0
  for (let i = 2; i <= n; i++) {
    if (composite[i] === 1) continue
    count++
    for (let multiple = i * i; multiple <= n; multiple += i) composite[multiple] = 1
  }
  return String(count)
}
