import { shrinkGreedily, smallerTries, withoutParts } from '../greedy-shrink.ts'
import type { Statement } from './program.ts'

/** Makes a program smaller for as long as `stillFails` says that the smaller program fails too. */
export function shrinkBody(
  body: Statement[],
  stillFails: (candidate: Statement[]) => Promise<boolean>,
): Promise<Statement[]> {
  return shrinkGreedily(body, smallerBlocks, stillFails)
}

function* smallerBlocks(block: readonly Statement[]): Generator<Statement[]> {
  yield* withoutParts(block)
  for (const [index, statement] of block.entries()) {
    for (const replacement of replacements(statement)) {
      yield block.toSpliced(index, 1, ...replacement)
    }
  }
}

/** Yields what may replace a statement: its block, or the same statement with less in it. */
function* replacements(statement: Statement): Generator<Statement[]> {
  switch (statement[0]) {
    case 'scope': {
      const [name, slot, kind, ms, shield, block] = statement
      yield block
      if (kind === 'moveOnAfter') yield [[name, slot, 'cancelScope', ms, shield, block]]
      if (kind === 'shielded') yield [[name, slot, 'cancelScope', null, true, block]]
      if (kind === 'cancelScope' && ms !== null) yield [[name, slot, kind, null, shield, block]]
      if (kind === 'cancelScope' && shield) yield [[name, slot, kind, ms, false, block]]
      for (const inner of smallerBlocks(block)) yield [[name, slot, kind, ms, shield, inner]]
      return
    }
    case 'group':
    case 'spawn':
    case 'repeat': {
      const [name, number, block] = statement
      yield block
      for (const inner of smallerBlocks(block)) yield [[name, number, inner]]
      return
    }
    case 'try':
      yield* smallerTries(statement, smallerBlocks)
      return
    case 'sleep':
      if (statement[1] > 1) yield [['sleep', Math.ceil(statement[1] / 2)]]
      return
    case 'checkpoint':
    case 'wait':
    case 'set':
    case 'cancel':
    case 'probe':
    case 'shield':
    case 'deadline':
    case 'effective':
    case 'cancelGroup':
    case 'raise':
    case 'reraise':
    default:
  }
}
