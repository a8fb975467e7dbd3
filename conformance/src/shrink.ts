import { shrinkGreedily, withoutParts } from './greedy-shrink.ts'
import type { Program, Statement } from './program.ts'

/**
 * Makes a program smaller for as long as `stillFails` returns true. It removes statements, and replaces a statement by its block.
 * The search is greedy, so the result may not be the smallest failing program.
 */
export function shrink(
  program: Program,
  stillFails: (candidate: Program) => Promise<boolean>,
): Promise<Program> {
  return shrinkGreedily(program, smallerPrograms, stillFails)
}

function* smallerPrograms(program: Program): Generator<Program> {
  for (const [index, body] of program.functions.entries()) {
    for (const smaller of smallerBlocks(body)) {
      yield { ...program, functions: program.functions.with(index, smaller) }
    }
  }
}

function* smallerBlocks(block: readonly Statement[]): Generator<Statement[]> {
  yield* withoutParts(block)
  for (const [index, statement] of block.entries()) {
    for (const inner of blocksOf(statement)) yield block.toSpliced(index, 1, ...inner)
    for (const smaller of smallerStatements(statement)) yield block.with(index, smaller)
  }
}

function isBlock(x: unknown): x is Statement[] {
  return Array.isArray(x) && x.every((each) => Array.isArray(each) && typeof each[0] === 'string')
}

/** Returns the blocks of a statement, including the handlers of a `try`. */
function blocksOf([name, ...args]: Statement): Statement[][] {
  const found = args.filter(isBlock)
  if (name !== 'try') return found
  const [body, handlers, final] = args as [Statement[], [string, Statement[]][], Statement[] | null]
  return [body, ...handlers.map(([, handler]) => handler), ...(final === null ? [] : [final])]
}

function* smallerStatements(statement: Statement): Generator<Statement> {
  if (statement[0] === 'try') {
    const [, body, handlers, final] = statement as [
      'try',
      Statement[],
      [string, Statement[]][],
      Statement[] | null,
    ]
    if (final !== null && handlers.length > 0) yield ['try', body, handlers, null]
    for (const [index, [kind, handler]] of handlers.entries()) {
      if (handlers.length > 1 || final !== null)
        yield ['try', body, handlers.toSpliced(index, 1), final]
      for (const smaller of smallerBlocks(handler)) {
        yield ['try', body, handlers.with(index, [kind, smaller]), final]
      }
    }
    for (const smaller of smallerBlocks(body)) yield ['try', smaller, handlers, final]
    if (final === null) return
    for (const smaller of smallerBlocks(final)) yield ['try', body, handlers, smaller]
    return
  }
  for (const [index, arg] of statement.entries()) {
    if (index === 0) continue
    if (isBlock(arg)) {
      for (const smaller of smallerBlocks(arg))
        yield statement.with(index, smaller) as unknown as Statement
    }
  }
}
