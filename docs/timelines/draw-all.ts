// Draws the timeline of each program whose fence says `timeline`, from a real run of the program.
import { execFile } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { map } from '@tasktree/flow'
import { drawTimeline } from './draw.ts'
import { timelineFile } from './files.ts'
import type { Recording } from './recording.ts'

const docs = resolve(import.meta.dirname, '..')
const preload = new URL('preload.ts', import.meta.url).href

/** The programs of a page that ask for a timeline. */
function timelinePrograms(page: string): string[] {
  const text = readFileSync(join(docs, page), 'utf8')
  return [...text.matchAll(/^```ts timeline[^\n]*\n([\s\S]*?)^```$/gm)].map((match) => match[1]!)
}

async function recordingOf(program: string, folder: string): Promise<Recording> {
  const file = `${timelineFile(program)}.json`
  const args = ['--no-warnings', `--import=${preload}`, '--input-type=module-typescript', '--eval']
  await promisify(execFile)(process.execPath, [...args, program], {
    cwd: folder,
    env: { ...process.env, TIMELINE_FILE: file },
    timeout: 30_000,
  })
  const recording = JSON.parse(readFileSync(file, 'utf8')) as Recording
  rmSync(file)
  return recording
}

/** Draws every timeline into its file, from which the page takes it. */
export async function drawTimelines(): Promise<void> {
  mkdirSync(dirname(timelineFile('')), { recursive: true })
  const programs = globSync('{*,*/*}.md', { cwd: docs, exclude: ['node_modules'] }).flatMap(
    (page) => timelinePrograms(page).map((program) => ({ page, program })),
  )
  await map(
    programs,
    async ({ page, program }) => {
      const recording = await recordingOf(program, join(docs, dirname(page)))
      if (recording.lanes.length === 0) throw new Error(`${page}: a program has no tasks to draw`)
      writeFileSync(timelineFile(program), drawTimeline(recording))
    },
    { concurrency: 2 },
  )
}
