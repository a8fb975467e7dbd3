import type { AsyncArguments, Program, Recorded, Statement, SyncArguments } from './program.ts'
import type { Difference } from './replay.ts'

/** Prints a program as text that looks like Python, for the person who looks for the cause of a difference. */
function printProgram(program: Program): string {
  const { functions, ...objects } = program
  const lines = Object.entries(objects).map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
  functions.forEach((body, index) => {
    lines.push(`async def ${index === 0 ? 'main' : `f${index}`}():`, ...printBlock(body))
  })
  return lines.join('\n')
}

function printBlock(statements: readonly Statement[]): string[] {
  const lines = statements.length === 0 ? ['pass'] : statements.flatMap(printStatement)
  return lines.map((line) => `    ${line}`)
}

function printStatement([name, ...args]: Statement): string[] {
  switch (name) {
    case 'try':
      return printTry(args as AsyncArguments['try'])
    case 'loop':
      return [`for _ in range(${printArgument(args[0])}):`, ...printBlock(args[1] as Statement[])]
    case 'timeout':
    case 'lock':
    case 'semaphore':
    case 'condition':
      return [`async with ${printCall(name, [args[0]])}:`, ...printBlock(args[1] as Statement[])]
    case 'group':
      return ['async with group:', ...printBlock(args[0] as Statement[])]
    case 'when_done':
    case 'later': {
      const [first, channel, actions] = args as SyncArguments['when_done' | 'later']
      return [`def ${channel}():`, ...printBlock(actions), printCall(name, [first, channel])]
    }
    default:
      return [printCall(name, args)]
  }
}

function printTry([body, handlers, final]: AsyncArguments['try']): string[] {
  return [
    'try:',
    ...printBlock(body),
    ...handlers.flatMap(([kind, handler]) => [`except ${kind}:`, ...printBlock(handler)]),
    ...(final === null ? [] : ['finally:', ...printBlock(final)]),
  ]
}

function printCall(name: string, args: readonly unknown[]): string {
  if (['raise', 'reraise', 'return', 'break', 'continue'].includes(name)) {
    return [name, ...args].join(' ')
  }
  return `${name}(${args.map(printArgument).join(', ')})`
}

function printArgument(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value).replaceAll('null', 'None')
}

export function printDifference(recorded: Recorded, difference: Difference): string {
  const { channel, line, expected, actual } = difference
  const before = (recorded.traces[channel] ?? []).slice(Math.max(0, line - 5), line)
  return [
    `${recorded.profile} seed ${recorded.seed} differs in ${channel}, line ${line + 1}:`,
    ...before.map((text) => `    ${text}`),
    `  - ${expected ?? '(nothing)'}   CPython`,
    `  + ${actual ?? '(nothing)'}   Tasktree`,
    '',
    printProgram(recorded.program),
  ].join('\n')
}
