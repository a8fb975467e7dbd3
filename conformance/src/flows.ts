/**
 * Draws random programs whose tasks have several flows of control (for example the branches of a `Promise.all`), runs them
 * against the source of the packages, and checks that each cancel reaches the waits that it must reach, and no others. The
 * README lists the rules.
 *
 *     node src/flows.ts --count 20000 --seed 1     runs the programs of the seeds 1 to 20000 under virtual time
 *     node src/flows.ts --count 2000 --real        runs them in real time
 *     node src/flows.ts --count 2000 --coarse      uses a clock under which timers of several deadlines fire in one turn
 *     node src/flows.ts --show 713                 runs one program, and prints its text, its trace and its faults
 *
 *     node src/flows.ts --count 2000 --endless     draws waits that never end by themselves: a program that loses a cancel hangs
 *     node src/flows.ts --count 2000 --longest 3   draws no wait longer than 3 ms, so that much happens at one instant
 *
 * `--shuffle` shuffles the loop's ready queue, `--rules I1,I2` checks only these rules, `--details 10` shrinks and prints ten
 * of the programs that fail instead of three.
 */
import { parseArgs } from 'node:util'
import { generate } from './flows/generate.ts'
import { printProgram } from './flows/print.ts'
import type { Mode, Program } from './flows/program.ts'
import type { Report } from './flows/run.ts'
import { shrinkProgram } from './flows/shrink.ts'
import type { Fault, Rule } from './flows/trace.ts'
import type { Request } from './flows/worker.ts'
import { IsolatedRunner } from './isolated.ts'

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    show: { type: 'string' },
    details: { type: 'string', default: '3' },
    rules: { type: 'string' },
    real: { type: 'boolean', default: false },
    coarse: { type: 'boolean', default: false },
    shuffle: { type: 'boolean', default: false },
    longest: { type: 'string' },
    endless: { type: 'boolean', default: false },
  },
})
const { real } = options
const mode: Mode = real ? 'real' : options.coarse ? 'coarse' : 'virtual'
const rules = options.rules?.split(',') as Rule[] | undefined
await using runner = new IsolatedRunner<Request, Report>(
  new URL('./flows/worker.ts', import.meta.url),
)

/** A run that takes more milliseconds than this hangs. A run takes a few milliseconds, or a second in real time. */
const patience = 5_000
/**
 * The same limit for the runs of the search for a smaller program. It is shorter, because the search tries many programs that
 * hang, and each of them takes this long.
 */
const shrinkPatience = real ? 2_000 : 500
/** Milliseconds after which the search for a smaller program that fails in the same way stops. */
const shrinkLimit = 60_000

async function runProgram(program: Program, limit = patience): Promise<Report> {
  const report = await runner.ask({ program, mode, patience: limit }, 2 * limit)
  if (typeof report === 'string') {
    return { faults: [{ rule: 'I4', text: report }], lines: [], hangs: true }
  }
  // Code of a run that hangs is still active in the worker thread, and must not disturb the next run.
  if (report.hangs) await runner.restart()
  return report
}

function draw(seed: number): Program {
  const longest = Number(options.longest ?? (real ? 12 : 30))
  return generate(seed, { longest, shuffled: options.shuffle, endless: options.endless })
}

async function faultsOf(program: Program, limit?: number): Promise<Fault[]> {
  const { faults } = await runProgram(program, limit)
  return rules === undefined ? faults : faults.filter(({ rule }) => rules.includes(rule))
}

/** Searches for a smaller program that breaks the same rule. */
async function shrink(program: Program, rule: Rule): Promise<Program> {
  const end = performance.now() + shrinkLimit
  return shrinkProgram(program, async (candidate) => {
    if (performance.now() > end) return false
    // In real time a fault depends on the timing, so one run without the fault does not prove that the fault is gone.
    for (let tries = real ? 3 : 1; tries > 0; tries--) {
      if ((await faultsOf(candidate, shrinkPatience)).some((fault) => fault.rule === rule))
        return true
    }
    return false
  })
}

async function show(program: Program): Promise<void> {
  const { faults, lines } = await runProgram(program)
  const found = faults.map(({ rule, text }) => `${rule}: ${text}`)
  const parts = [printProgram(program), lines.join('\n'), found.join('\n') || 'no fault']
  process.stdout.write(`${parts.join('\n\n')}\n`)
}

async function check(first: number, count: number): Promise<void> {
  const counts = new Map<Rule, number>()
  let failing = 0
  for (let seed = first; seed < first + count; seed++) {
    const program = draw(seed)
    const faults = await faultsOf(program)
    if (faults.length === 0) continue
    failing++
    const broken = new Set(faults.map(({ rule }) => rule))
    for (const rule of broken) counts.set(rule, (counts.get(rule) ?? 0) + 1)
    if (failing > Number(options.details)) continue
    const [{ rule }] = faults as [Fault]
    process.stdout.write(
      `\n--- seed ${seed}: ${[...broken].join(', ')}; the smallest that breaks ${rule}\n`,
    )
    await show(await shrink(program, rule))
  }
  const byRule = [...counts].map(([rule, number]) => `${rule} ${number}`).join(', ')
  process.stdout.write(
    `\n${count} programs, ${failing} with faults${failing > 0 ? `: ${byRule}` : ''}\n`,
  )
  if (failing > 0) process.exitCode = 1
}

if (options.show === undefined) await check(Number(options.seed), Number(options.count))
else await show(draw(Number(options.show)))
