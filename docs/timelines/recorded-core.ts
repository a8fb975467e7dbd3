// Stands for `@tasktree/core` in a program whose timeline is drawn: its `run` writes what happened.
import { writeFileSync } from 'node:fs'
import { record } from './recorder.ts'

export * from '@tasktree/core'

export async function run(main: () => PromiseLike<unknown>): Promise<void> {
  const file = process.env['TIMELINE_FILE']
  if (file === undefined) throw new Error('TIMELINE_FILE must say where the recording goes')
  writeFileSync(file, JSON.stringify(await record(main, process.env['TIMELINE_REAL'] === '1')))
}
