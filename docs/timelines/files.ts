import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'

const folder = resolve(import.meta.dirname, '../.vitepress/cache/timelines')

/** The file into which the timeline of a program is drawn. */
export function timelineFile(program: string): string {
  return join(folder, `${createHash('sha256').update(program).digest('hex').slice(0, 16)}.html`)
}
