import { type ChildProcess, spawn } from 'node:child_process'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { run } from '@tasktree/core'
import { JobFile } from '../../src/store/job-file.ts'

/**
 * A file that a server of version 0 (the "first edition") has left when it was killed. It has 3 done, 1 failed, 1 cancelled, 40
 * queued and 2 running jobs.
 */
export const firstEdition: string = fileURLToPath(
  new URL('../fixtures/first-edition.sqlite', import.meta.url),
)

export const take = (path: string, more: object = {}): Promise<JobFile> =>
  run(() => JobFile.take({ path, waitLock: 0, ...more }))

/** Returns the rows that `sql` selects in a file that no server uses. */
export function rowsOf(
  path: string,
  sql = 'SELECT * FROM jobs ORDER BY id',
): Record<string, unknown>[] {
  using database = new DatabaseSync(path)
  return database.prepare(sql).all()
}

/** Starts a process that takes the file, prints a line, and then runs the code `then`. */
export function holdFile(path: string, then: string): ChildProcess {
  const code = `
    import { run } from '@tasktree/core'
    import { JobFile } from ${JSON.stringify(new URL('../../src/store/job-file.ts', import.meta.url).href)}
    globalThis.file = await run(() => JobFile.take({ path: ${JSON.stringify(path)} }))
    console.log('taken')
    ${then}`
  return spawn(
    process.execPath,
    ['--conditions=@tasktree/source', '--input-type=module-typescript', '--eval', code],
    { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] },
  )
}
