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

/** A program that asks for a timeline. With `timeline real` it is run in real time, because it waits for more than timers. */
interface TimelineProgram {
  readonly program: string
  readonly isReal: boolean
}

function timelinePrograms(page: string): TimelineProgram[] {
  const text = readFileSync(join(docs, page), 'utf8')
  return [...text.matchAll(/^```ts timeline([^\n]*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    program: match[2]!,
    isReal: match[1]!.includes('real'),
  }))
}

async function recordingOf(
  { program, isReal }: TimelineProgram,
  folder: string,
): Promise<Recording> {
  const file = `${timelineFile(program)}.json`
  const args = ['--no-warnings', `--import=${preload}`, '--input-type=module-typescript', '--eval']
  await promisify(execFile)(process.execPath, [...args, program], {
    cwd: folder,
    env: { ...process.env, TIMELINE_FILE: file, TIMELINE_REAL: isReal ? '1' : '0' },
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
    (page) => timelinePrograms(page).map((each) => ({ page, each })),
  )
  await map(
    programs,
    async ({ page, each }) => {
      const recording = await recordingOf(each, join(docs, dirname(page)))
      if (recording.lanes.length === 0) throw new Error(`${page}: a program has no tasks to draw`)
      writeFileSync(timelineFile(each.program), drawTimeline(recording))
    },
    { concurrency: 2 },
  )
}
