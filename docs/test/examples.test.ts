// Every function and class that a package exports has an example in its docstring. The examples have right types, and print
// what they say.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { map } from '@tasktree/flow'
import { beforeAll, describe, expect, test } from 'vitest'
import { outputOf } from '../../vitest.programs.ts'
import { checkTypes, compilerOptions } from './support/check-types.ts'
import * as exampleNames from './support/example-names.ts'
import {
  asFunctionBody,
  asModule,
  complete,
  type Example,
  fileOf,
  homeOf,
  readDoors,
  readExamples,
  saidOutput,
} from './support/examples.ts'

const own = {
  file: join(import.meta.dirname, 'support/example-names.ts'),
  names: Object.keys(exampleNames),
}

/** The packages whose exports need no example: a command, and lint rules. */
const isExempt = (door: string): boolean => /^@tasktree\/(devtools|eslint-plugin)$/.test(door)

/** The examples that are not run, by a word of their code, each with the reason. */
const notRun: ReadonlyMap<string, string> = new Map([
  ['it.virtual(', 'only vitest runs tests'],
  ['it.explore(', 'only vitest runs tests'],
  ["it('", 'only vitest runs tests'],
  ['checkLeaks()', 'only vitest runs tests'],
])

const doors = readDoors()
const examples = readExamples(doors)

function whyNotRun({ code }: Example): string | undefined {
  return [...notRun].find(([word]) => code.includes(word))?.[1]
}

describe('every exported function and class has an example in its docstring:', () => {
  const open = doors.filter(({ name, isForUsers }) => isForUsers && !isExempt(name))

  test.each(open.map(({ name, exports }) => [name, exports] as const))('%s', (_, exports) => {
    const without = exports.filter(({ needsExample, hasExample }) => needsExample && !hasExample)
    expect(without.map(({ name }) => name)).toEqual([])
  })

  test('an export without an example is found', () => {
    const lowlevel = doors.find(({ name }) => name === '@tasktree/core/lowlevel')?.exports ?? []
    expect(lowlevel.find(({ name }) => name === 'describe')).toMatchObject({
      needsExample: true,
      hasExample: false,
    })
    expect(examples.length).toBeGreaterThan(150)
  })
})

test('each example in a docstring is indented by four spaces', () => {
  expect(examples.filter(({ code }) => code === '').map(({ name }) => name)).toEqual([])
})

test('each console.log in the example of a docstring has a comment with its output', () => {
  const silent = examples.filter(({ code }) => saidOutput(code).includes(null))
  expect(silent.map(({ name }) => name)).toEqual([])
})

describe('the types of the examples in docstrings', () => {
  // An example with a mistake, which shows that mistakes are found.
  const wrong: Example = {
    ...(examples[0] as Example),
    name: 'wrong',
    package: 'core',
    code: 'const n: string = await sleep(1, 2)',
  }
  const findings = new Map<string, string[]>()

  beforeAll(() => {
    const files = new Map([...examples, wrong].map((example) => [fileOf(example), example]))
    const texts = new Map(
      [...files].map(([file, example]) => [file, asModule(complete(example, doors, own))]),
    )
    expect([...texts.keys()].filter((file) => existsSync(file))).toEqual([])
    // The imports that are added do not say which names are types.
    const options = {
      ...compilerOptions(),
      verbatimModuleSyntax: false,
      rewriteRelativeImportExtensions: false,
    }
    for (const finding of checkTypes(texts, options)) {
      const [, name = '', rest = ''] = /^(?:.*\/)?(.*?)\.ts:\d+ ([\s\S]*)$/.exec(finding) ?? []
      findings.set(name, [...(findings.get(name) ?? []), rest])
    }
  }, 120_000)

  const findingsOf = (example: Example): string[] =>
    findings.get(fileOf(example).replace(/^.*\/(.*)\.ts$/, '$1')) ?? []

  test.each(examples.map((example) => [example.name, example] as const))(
    '%s has no type error',
    (_, example) => {
      expect(findingsOf(example).join('\n')).toBe('')
    },
  )

  test('a type error in an example is found', () => {
    expect(findingsOf(wrong)).toContainEqual(expect.stringContaining('not assignable'))
  })
})

describe('the output of the examples in docstrings', () => {
  const run = examples.filter((example) => whyNotRun(example) === undefined)
  let outcomes: ReadonlyMap<string, Outcome> = new Map()

  // Two examples with a mistake, which show that mistakes are found.
  const like = examples[0] as Example
  const wrong = { ...like, name: 'prints something else', code: 'console.log(1) // 2' }
  const broken = { ...like, name: 'throws', code: "throw new Error('broken')" }

  // The examples of a package run one after the other in one process, because most of the time of a process is its start.
  beforeAll(async () => {
    const byPackage = Map.groupBy([...run, wrong, broken], (example) => example.package)
    const results = await map([...byPackage.values()], (each) => runAll(each), { concurrency: 2 })
    outcomes = new Map(results.flat())
  }, 300_000)

  test.each(run.map((example) => [example.name, example] as const))(
    '%s prints what its comments say',
    (name, { code }) => {
      const { error, lines } = outcomes.get(name) ?? { error: 'it was not reached', lines: [] }
      expect(error ?? 'no error').toBe('no error')
      const said = saidOutput(code)
      // What differs each time is shown as "for instance …".
      expect(lines).toEqual(
        said.map((line, i) => (line?.startsWith('for instance ') ? lines[i] : line)),
      )
    },
  )

  test('an example with another output or with an error is found', () => {
    expect(outcomes.get(wrong.name)).toEqual({ lines: ['1'], error: null })
    expect(saidOutput(wrong.code)).toEqual(['2'])
    expect(outcomes.get(broken.name)?.error).toContain('broken')
  })

  test('each reason not to run an example is still needed', () => {
    const needed = [...notRun.keys()].filter((word) =>
      examples.some(({ code }) => code.includes(word)),
    )
    expect(needed).toEqual([...notRun.keys()])
  })
})

interface Outcome {
  readonly lines: readonly string[]
  readonly error: string | null
}

async function runAll(list: readonly Example[]): Promise<[string, Outcome][]> {
  const isValue = (from: string, name: string): boolean =>
    doors.find((door) => door.name === from)?.exports.find((each) => each.name === name)?.isValue ??
    true
  const calls = list.map((example) => {
    const body = asFunctionBody(complete(example, doors, own), isValue)
    return `await attempt(${JSON.stringify(example.name)}, async () => {\n${body}\n})`
  })
  const program = [frame, ...calls, 'console.log(JSON.stringify(outcomes))'].join('\n')
  try {
    const output = await outputOf(program, homeOf(list[0] as Example))
    return JSON.parse(output.trimEnd().split('\n').at(-1) as string) as [string, Outcome][]
  } catch (error) {
    return list.map(({ name }) => [name, { lines: [], error: String(error) }])
  }
}

/** Runs each example, and notes what it prints and how it ends. */
const frame = `
import { format } from 'node:util'

const outcomes: [string, object][] = []
const print = console.log
async function attempt(name: string, example: () => Promise<void>): Promise<void> {
  const lines: string[] = []
  console.log = (...values) => void lines.push(...format(...values).split('\\n'))
  let error: string | null = null
  const late = new Promise((_, reject) => {
    setTimeout(reject, 30_000, new Error('it has not ended after thirty seconds')).unref()
  })
  try {
    await Promise.race([example(), late])
  } catch (thrown) {
    error = String((thrown as Error)?.stack ?? thrown)
  }
  console.log = print
  outcomes.push([name, { lines, error }])
}
`
