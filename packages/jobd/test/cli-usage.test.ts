import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError, type Argument, Command, type Option } from 'commander'
import { describe, expect, test } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { codeOf, makeProgram, runProgram } from '../src/cli/program.ts'
import { addLimit } from '../src/cli/option-values.ts'
import { readSecret } from '../src/cli/output.ts'
import { inFolder } from './support/folder.ts'

/** Runs a command line in this process. Returns what it printed, and the error that ended it. */
async function mistake(words: string[]): Promise<{ out: string; err: string; code: number }> {
  const program = makeProgram()
  let [out, err] = ['', '']
  for (const command of [program, ...program.commands])
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => (out += text), writeErr: (text) => (err += text) })
  const error = await runProgram(program, words).then(
    () => null,
    (reason: unknown) => reason,
  )
  return { out, err, code: codeOf(error as Parameters<typeof codeOf>[0]) }
}

/** Returns a value for each argument that a command requires, or for each that stands before `index`. */
function valuesOf(command: Command, index = Infinity): string[] {
  return command.registeredArguments
    .filter((argument, i) => argument.required && i < index)
    .map((each) => each.argChoices?.[0] ?? (each.name() === 'times' ? '100' : '1'))
}

function isParsed(parameter: Option | Argument): boolean {
  return parameter.parseArg !== undefined && parameter.argChoices === undefined
}

const numbers = [
  '',
  '-1',
  '1e3',
  '0x10',
  '1.5',
  'NaN',
  'Infinity',
  '99999999999999999',
  '1125899906842625',
]

/** Returns values that the parser of the parameter `name` must refuse. */
function wrongValues(name: string): string[] {
  if (name === 'times') return ['99999999999999999', '99999999999999999ms', '13031249d']
  if (name === 'kind=limit' || name === 'limit')
    return ['sleep', 'sleep=', 'sleep=0', 'sleep=-1', 'sleep=99999999999999999', 'sleep=1/x', '=1']
  if (name === 'priority') return numbers.filter((text) => text !== '-1')
  return numbers
}

const cases: string[][] = []
for (const command of makeProgram().commands) {
  for (const option of command.options) {
    const name = option.attributeName()
    if (!isParsed(option) || name === 'token' || name === 'trustProxy') continue
    for (const value of wrongValues(name))
      cases.push([command.name(), ...valuesOf(command), `${option.long}=${value}`])
  }
  for (const [i, argument] of command.registeredArguments.entries()) {
    if (!isParsed(argument)) continue
    for (const value of wrongValues(argument.name()))
      if (!value.startsWith('-'))
        cases.push([command.name(), ...valuesOf(command, i), value, 'sleep', '1'])
  }
}

describe('a number out of range in a command line prints an error, a usage line and exits with 2', () => {
  test('the cases below contain each command that takes a number', () => {
    const names = new Set(cases.map(([name]) => name))
    expect(
      makeProgram()
        .commands.map((each) => each.name())
        .filter((name) => !names.has(name)),
    ).toEqual(['restore', 'check'])
  })

  test.for(cases.map((words) => [words.join(' '), words] as const))('%s', async ([, words]) => {
    const { out, err, code } = await mistake(words)
    expect(out).toBe('')
    expect(err).toMatch(/^error: .+\nUsage: jobd .*\n$/)
    expect(code).toBe(2)
  })
})

test('an error that the action of a command throws is printed', async () => {
  const program = new Command('jobd').exitOverride().action(() => {
    throw new InvalidArgumentError('no such day')
  })
  let err = ''
  program.configureOutput({ writeErr: (text) => (err += text) })
  await expect(runProgram(program, [])).rejects.toThrow('no such day')
  expect(err).toBe('error: no such day\n')
})

test('a bulk command without a filter prints an error with a usage line and exits with 2', async () => {
  const { err, code } = await mistake(['bulk', 'delete'])
  expect(err).toMatch(/^error: say which jobs: .+\nUsage: jobd bulk .*\n$/)
  expect(code).toBe(2)
})

test('a command that gets a file as an argument and with --db prints an error and exits with 2', async () => {
  const { err, code } = await mistake(['check', 'one', '--db', 'other'])
  expect(err).toMatch(/^error: name the file once.*\nUsage: jobd check .*\n$/)
  expect(code).toBe(2)
})

test('a secret that is read from a file keeps its last space and loses the line ends of the file', () =>
  inFolder((folder) => {
    const file = join(folder, 'secret')
    writeFileSync(file, 'open sesame \r\n\n')
    expect(readSecret(file)).toBe('open sesame ')
  }))

test('--version prints the version of the package', async () => {
  expect(await mistake(['--version'])).toEqual({
    out: `${packageJson.version}\n`,
    err: '',
    code: 0,
  })
})

test('the error about a wrong rate names every unit of time that a rate may have', () => {
  const take =
    (limit: string): (() => unknown) =>
    () =>
      addLimit(`sleep=${limit}`, {})
  expect(take('10/d')()).toEqual({ sleep: { rate: { limit: 10, per: 86_400_000 } } })
  for (const unit of ['s', 'm', 'h', 'd']) {
    expect(take(`10/${unit}`)).not.toThrow()
    expect(take('10/x')).toThrow(`10/${unit}`)
  }
})
