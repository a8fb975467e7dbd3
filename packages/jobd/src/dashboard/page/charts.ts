import uPlot from 'uplot'
import type { Sample } from '../../scheduling/sample.ts'
import { formatDuration, formatTick, formatTime } from './durations.ts'
import { find, make } from './element.ts'

/** How many milliseconds of the past a chart shows. */
const shownTime = 300_000
const height = 120

interface Line {
  label: string
  /** The property of the style sheet that holds the colour of the line. */
  colour: string
  dashed?: boolean
  filled?: boolean
  value: (sample: Sample) => number | null
}

const added: Line[] = [
  { label: 'added', colour: '--queued', filled: true, value: (sample) => sample.added },
]

const ended: Line[] = [
  { label: 'done', colour: '--done', filled: true, value: (sample) => sample.done },
  { label: 'failed', colour: '--failed', value: (sample) => sample.failed },
]

const waiting: Line[] = [
  { label: 'median', colour: '--cancelled', value: ({ waited }) => waited?.median ?? null },
  {
    label: '95 %',
    colour: '--cancelled',
    dashed: true,
    value: ({ waited }) => waited?.p95 ?? null,
  },
]

const running: Line[] = [
  { label: 'median', colour: '--running', value: ({ ran }) => ran?.median ?? null },
  { label: '95 %', colour: '--running', dashed: true, value: ({ ran }) => ran?.p95 ?? null },
]

/**
 * How the values of a plot are written, and which steps its axis may have. The steps are not finer than the numbers
 * that are written.
 */
interface Scale {
  format: (value: number) => string
  formatTick: (value: number) => string
  steps: number[]
}

const [millisecond, second, minute] = [1, 1_000, 60_000]

const durationScale: Scale = {
  format: formatDuration,
  formatTick,
  steps: [
    ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map((n) => n * millisecond),
    ...[1, 2, 5, 10, 20, 30].map((n) => n * second),
    ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_440].map((n) => n * minute),
  ],
}

const countScale: Scale = {
  format: (value) => String(Math.round(value * 10) / 10),
  formatTick: (value) => value.toLocaleString(),
  steps: [1, 2, 5].flatMap((n) => [1, 10, 100, 1_000, 10_000, 100_000].map((power) => n * power)),
}
countScale.steps.sort((a, b) => a - b)

/** One plot over time. It is made again when the colours of the page change, because a canvas keeps its colours. */
class Chart {
  readonly #place: HTMLElement
  readonly #lines: Line[]
  readonly #format: (value: number) => string
  readonly #formatTick: (value: number) => string
  readonly #steps: number[]
  #samples: readonly Sample[] = []
  #plot: uPlot | null = null
  readonly #nothing = make('p', 'nothing', 'nothing yet')

  constructor(id: string, lines: Line[], { format, formatTick, steps }: Scale) {
    this.#place = find(id, HTMLDivElement)
    this.#place.append(this.#nothing)
    // When the pointer leaves the plot, the legend shows the newest values again.
    this.#place.addEventListener('pointerleave', () => setTimeout(() => this.#showNewest(), 0))
    this.#lines = lines
    this.#format = format
    this.#formatTick = formatTick
    this.#steps = steps
    new ResizeObserver(() => {
      if (this.#place.clientWidth > 0)
        this.#plot?.setSize({ width: this.#place.clientWidth, height })
    }).observe(this.#place)
    this.draw()
  }

  show(samples: readonly Sample[]): void {
    this.#samples = samples
    this.#plot?.setData(this.#data())
    this.#showNewest()
    const last = samples.at(-1)
    const hasValue = samples.some((sample) =>
      this.#lines.some(({ value }) => (value(sample) ?? 0) > 0),
    )
    this.#nothing.hidden = hasValue
    if (last === undefined) return
    const values = this.#lines.map(
      ({ label, value }) => `${label} ${this.#formatOrNothing(value(last))}`,
    )
    this.#place.setAttribute('aria-description', `now: ${values.join(', ')}`)
  }

  draw(): void {
    this.#plot?.destroy()
    const axis: uPlot.Axis = {
      stroke: getComputedColour('--faint'),
      grid: { stroke: getComputedColour('--line'), width: 1 },
      ticks: { show: false },
    }
    const options: uPlot.Options = {
      width: Math.max(200, this.#place.clientWidth),
      height,
      padding: [8, 30, 0, 0],
      cursor: { y: false, points: { size: 7 } },
      scales: {
        x: { range: () => [(this.#now - shownTime) / 1_000, this.#now / 1_000] },
        y: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis, size: 26, space: 80, values: (_, times) => times.map(timeOf) },
        {
          ...axis,
          size: 62,
          incrs: this.#steps,
          values: (_, values) => values.map((each) => this.#formatTick(each)),
        },
      ],
      series: [
        { label: 'at', value: (_, time) => (time === null ? '–' : timeOf(time)) },
        ...this.#lines.map(({ label, colour: name, dashed, filled }) => ({
          label,
          stroke: getComputedColour(name),
          width: dashed === true ? 1 : 2,
          ...(dashed === true ? { dash: [4, 3] } : {}),
          ...(filled === true ? { fill: getComputedColour(name, 0.15) } : {}),
          points: { size: 4 },
          spanGaps: true,
          value: (_: uPlot, value: number | null) => this.#formatOrNothing(value),
        })),
      ],
    }
    this.#plot = new uPlot(options, this.#data(), this.#place)
    this.#showNewest()
  }

  /** Shows the newest values in the legend, unless the pointer is on the plot. */
  #showNewest(): void {
    const plot = this.#plot
    if (plot === null || this.#samples.length === 0) return
    if ((plot.cursor.left ?? -1) >= 0) return
    plot.setLegend({ idx: this.#samples.length - 1 })
  }

  /** The time of the server, which may differ from the time of this browser. */
  get #now(): number {
    return this.#samples.at(-1)?.at ?? Date.now()
  }

  #formatOrNothing(value: number | null): string {
    return value === null ? '–' : this.#format(value)
  }

  #data(): uPlot.AlignedData {
    return [
      this.#samples.map((sample) => sample.at / 1_000),
      ...this.#lines.map(({ value }) => this.#samples.map(value)),
    ]
  }
}

/** Returns the colour of a style property in the current scheme, light or dark. */
function getComputedColour(property: string, opacity = 1): string {
  const probe = document.createElement('span')
  probe.style.color = `rgb(from var(${property}) r g b / ${opacity})`
  document.body.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}

function timeOf(seconds: number): string {
  return formatTime(new Date(seconds * 1_000))
}

/** The charts of the page: throughput and latency of the last minutes. */
export class Charts {
  readonly #charts = [
    new Chart('added', added, countScale),
    new Chart('throughput', ended, countScale),
    new Chart('waited', waiting, durationScale),
    new Chart('latency', running, durationScale),
  ]
  #samples: Sample[] = []

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const chart of this.#charts) chart.draw()
    })
  }

  begin(samples: readonly Sample[]): void {
    this.#samples = []
    this.add(samples)
  }

  add(samples: readonly Sample[]): void {
    const last = this.#samples.at(-1)?.n ?? 0
    const fresh = samples.filter(({ n }) => n > last)
    const [first] = fresh
    // If the server's clock was set back, samples later than now cannot be shown.
    const earlier =
      first === undefined ? this.#samples : this.#samples.filter(({ at }) => at < first.at)
    const all = [...earlier, ...fresh]
    const since = (all.at(-1)?.at ?? 0) - shownTime
    this.#samples = all.filter(({ at }) => at > since)
    for (const chart of this.#charts) chart.show(this.#samples)
  }

  get last(): Sample | undefined {
    return this.#samples.at(-1)
  }
}
