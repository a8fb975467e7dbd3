import type { Statement } from './program.ts'

/** Makes a program smaller for as long as `stillFails` says that the smaller one fails too. */
export async function shrinkBody(
  body: Statement[],
  stillFails: (candidate: Statement[]) => Promise<boolean>,
): Promise<Statement[]> {
  let smallest = body
  for (let found = true; found;) {
    found = false
    for (const candidate of smallerBlocks(smallest)) {
      if (!(await stillFails(candidate))) continue
      smallest = candidate
      found = true
      break
    }
  }
  return smallest
}

function* smallerBlocks(block: readonly Statement[]): Generator<Statement[]> {
  for (let size = block.length; size > 0; size = Math.floor(size / 2)) {
    for (let start = 0; start < block.length; start += size) yield block.toSpliced(start, size)
  }
  for (const [index, statement] of block.entries()) {
    for (const replacement of replacements(statement)) {
      yield block.toSpliced(index, 1, ...replacement)
    }
  }
}

/** What may stand in a statement's place: one of its blocks, or the statement itself with less in it. */
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
    case 'try': {
      const [name, body, catches, handler, final] = statement
      yield body
      yield handler
      if (final !== null) yield [...body, ...final]
      if (final !== null && catches !== null) {
        yield [[name, body, null, [], final]]
        yield [[name, body, catches, handler, null]]
      }
      for (const inner of smallerBlocks(body)) yield [[name, inner, catches, handler, final]]
      for (const inner of smallerBlocks(handler)) yield [[name, body, catches, inner, final]]
      if (final === null) return
      for (const inner of smallerBlocks(final)) yield [[name, body, catches, handler, inner]]
      return
    }
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
