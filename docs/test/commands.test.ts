// Every command in the READMEs and pages exists, with its package, script, file, subcommand and flags.
import { expect, test } from 'vitest'
import { findProblem } from './support/check-command.ts'
import { type Command, commands } from './support/documents.ts'

const byDocument = Map.groupBy(commands, ({ document }) => document)

test.each([...byDocument])(
  'the commands in %s name only packages, scripts, files, subcommands and flags that exist',
  { tags: ['slow'] },
  (_, list) => {
    const problems = list.map((command) => [command.words.join(' '), findProblem(command)])
    expect(problems.filter(([, problem]) => problem !== null)).toEqual([])
  },
)

const wrong: readonly (readonly [line: string, problem: string])[] = [
  ['npm install @tasktree/cor', 'not installed anywhere'],
  ['npm install @tasktree/docs', 'not published'],
  ['npm run exampel', 'no script exampel'],
  ['npm run example -- gathr', 'no example gathr'],
  ['npm run demo -- serv', 'no subcommand serv'],
  ['npx @tasktree/devtools pstre 1', 'no subcommand pstre'],
  ['npx @tasktree/core', 'has no command'],
  ['npx --yes pnpm@1.0.0 install', 'pins pnpm@'],
  ['jobd serve --bd jobs.sqlite', 'has no --bd'],
  ['pnpm --filter @tasktree/sink test', 'no package @tasktree/sink'],
  ['pnpm --filter @tasktree/benchmarks exec node sync/lock.ts', 'no sync/lock.ts'],
]

test.each(wrong)(
  'findProblem finds the mistake in the command: %s',
  { tags: ['slow'] },
  (line, problem) => {
    const command: Command = { document: 'README.md', folder: '.', words: line.split(' ') }
    expect(findProblem(command)).toContain(problem)
  },
)

test('the documents show more than 80 commands', () => {
  expect(commands.length).toBeGreaterThan(80)
})
