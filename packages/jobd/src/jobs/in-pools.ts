// The functions that run in the pools' workers. They use nothing but their arguments.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { reportProgress } from '@tasktree/executor'

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

/** Reports at most a hundred steps, because the dashboard shows whole percents. */
function makeProgress(total: number): (done: number) => void {
  let reported = 0
  return (done) => {
    if ((done - reported) * 100 < total && done < total) return
    reported = done
    reportProgress({ done, total })
  }
}

/** Returns the SHA-256 of a file, or of all files under a folder in the order of their names. */
export async function hash(path: string): Promise<string> {
  const digest = createHash('sha256')
  const files = await filesUnder(path)
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size))
  const progress = makeProgress(sizes.reduce((sum, size) => sum + size, 0))
  let done = 0
  for (const file of files) {
    for await (const chunk of createReadStream(file)) {
      digest.update(chunk as Buffer)
      progress((done += (chunk as Buffer).length))
    }
  }
  return `${digest.digest('hex')}  ${files.length} file(s)`
}

/** Counts the words of the text files under a path. */
export async function words(path: string): Promise<string> {
  const files = (await filesUnder(path)).filter((file) => /\.(md|txt)$/.test(file))
  const progress = makeProgress(files.length)
  let total = 0
  for (const [i, file] of files.entries()) {
    total += (await readFile(file, 'utf8')).split(/\s+/).filter(Boolean).length
    progress(i + 1)
  }
  return `${total} words in ${files.length} file(s)`
}

/** Counts the primes up to `n`. */
export function primes(n: number): string {
  const composite = new Uint8Array(n + 1)
  const progress = makeProgress(n)
  let count = 0
  for (let i = 2; i <= n; i++) {
    if (i % 65_536 === 0) progress(i)
    if (composite[i] === 1) continue
    count++
    for (let multiple = i * i; multiple <= n; multiple += i) composite[multiple] = 1
  }
  return String(count)
}

export { runKind } from './kind-in-worker.ts'
