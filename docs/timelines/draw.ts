// Draws a recording: one lane a task, its waits, its clean-up, cancels, and what it printed.
import type { Lane, RecordedMark, Recording } from './recording.ts'

const width = 760
const barHeight = 18
const lineHeight = 14
/** The width of a character of the font in the drawing. */
const character = 6.7

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

function time(ms: number): string {
  return `${Math.round(ms)} ms`
}

/** A text that fits `space` pixels, if need be with an ellipsis; empty if there is no room for a few letters. */
function fit(text: string, space: number): string {
  const letters = Math.floor(space / character)
  if (text.length <= letters) return text
  return letters < 4 ? '' : `${text.slice(0, letters - 1)}…`
}

/** What a task printed, line by line, below its bar. Lines that were printed at the same time stand below each other. */
function notes(lane: Lane, x: (ms: number) => number, top: number): { svg: string; lines: number } {
  const logs = lane.marks.filter(({ kind }) => kind === 'log')
  const ends: number[] = []
  const svg = logs.map(({ at, text }) => {
    const wide = text.length * character + 10
    const left = Math.min(x(at), width - wide)
    let line = ends.findIndex((end) => end < left)
    if (line === -1) line = ends.length
    ends[line] = left + wide
    const y = top + barHeight + 12 + line * lineHeight
    return (
      `<circle class="dot" cx="${x(at)}" cy="${top + barHeight}" r="3"/>` +
      `<text class="note" x="${left + 6}" y="${y}">${escape(text)}</text>`
    )
  })
  return { svg: svg.join(''), lines: ends.length }
}

function drawMark(
  { at, kind, text }: RecordedMark,
  x: (ms: number) => number,
  top: number,
): string {
  if (kind === 'log') return ''
  const left = x(at)
  return (
    `<path class="${kind}" d="M${left} ${top - 5}l-5 -7h10z M${left} ${top - 5}v${barHeight + 8}"/>` +
    `<title>${escape(text)} at ${time(at)}</title>`
  )
}

/** The times of the axis: about six of them, at round numbers. */
function ticks(end: number): number[] {
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 60_000].find(
    (each) => end / each <= 8,
  )
  const list: number[] = []
  for (let at = 0; at <= end; at += step ?? end) list.push(at)
  return list
}

/** The events as sentences. */
function sentences({ events }: Recording): string[] {
  return events.map(({ at, task, text, wait }) => {
    if (wait === undefined) return `${time(at)}: ${task} ${text}`
    const verb = wait.label === 'sleeps' ? 'sleeps' : `waits for ${wait.label}`
    return `${time(at)}: ${task} ${verb} until ${time(wait.to)}${wait.cleaning ? ', after its cancel' : ''}`
  })
}

/** The drawing as HTML for a page: an SVG, whose colours are those of the page, and the same as text. */
export function drawTimeline(recording: Recording): string {
  const { lanes, end } = recording
  const names = lanes.map(({ name, depth }) => '  '.repeat(depth) + name)
  const left = Math.max(...names.map((name) => name.length)) * character + 16
  const x = (ms: number): number =>
    Math.round((left + (ms / Math.max(end, 1)) * (width - left - 24)) * 10) / 10
  let top = 18
  const rows: string[] = []
  for (const lane of lanes) {
    const below = notes(lane, x, top)
    const bars = lane.waits.map(({ from, to, label, cleaning }) => {
      const text = fit(label, x(to) - x(from) - 8)
      return (
        `<rect class="${cleaning ? 'clean' : 'wait'}" x="${x(from)}" y="${top}" width="${Math.max(x(to) - x(from), 1)}" height="${barHeight}">` +
        `<title>${escape(label)}, ${time(from)} to ${time(to)}</title></rect>` +
        `<text class="label" x="${x(from) + 4}" y="${top + 13}">${escape(text)}</text>`
      )
    })
    const outcome = { done: '', cancelled: '×', failed: '!' }[lane.outcome]
    rows.push(
      `<text class="name" x="${4 + lane.depth * 2 * character}" y="${top + 13}">${escape(lane.name)}</text>` +
        `<path class="life" d="M${x(lane.begin)} ${top}v${barHeight} M${x(lane.begin)} ${top + barHeight / 2}H${x(lane.end)} M${x(lane.end)} ${top}v${barHeight}"/>` +
        bars.join('') +
        lane.marks.map((mark) => `<g>${drawMark(mark, x, top)}</g>`).join('') +
        `<text class="outcome" x="${x(lane.end) + 4}" y="${top + 14}">${outcome}</text>` +
        below.svg,
    )
    top += barHeight + 18 + below.lines * lineHeight
  }
  const axis = ticks(end).map(
    (at) =>
      `<path class="axis" d="M${x(at)} 8V${top - 4}"/><text class="time" x="${x(at)}" y="${top + 10}">${time(at)}</text>`,
  )
  const list = sentences(recording).map((text) => `<li>${escape(text)}</li>`)
  return (
    `<figure class="timeline" v-pre><div class="drawing" tabindex="0" role="group" aria-label="A timeline, which scrolls sideways">` +
    `<svg viewBox="0 0 ${width} ${top + 16}" role="img" aria-label="A timeline of ${lanes.length} tasks over ${time(end)}. The same follows as text.">` +
    `${axis.join('')}${rows.join('')}</svg></div>` +
    `<figcaption><span class="key wait"></span> waits <span class="key clean"></span> waits after its cancel ` +
    `<span class="key cancel"></span> is cancelled, or its time is over <span class="key dot"></span> prints. ` +
    `Drawn from a run of the program above, in ${recording.isReal ? 'real' : 'virtual'} time.</figcaption>` +
    `<details><summary>The timeline as text</summary><ol>${list.join('')}</ol></details></figure>\n`
  )
}
