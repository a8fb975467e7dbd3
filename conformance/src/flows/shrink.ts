import { shrinkGreedily, smallerTries, withoutParts } from '../greedy-shrink.ts'
import type { Program, Statement } from './program.ts'

/** Makes a program smaller for as long as `stillFails` says that the smaller program fails too. */
export function shrinkProgram(
  program: Program,
  stillFails: (candidate: Program) => Promise<boolean>,
): Promise<Program> {
  return shrinkGreedily(program, smallerPrograms, stillFails)
}

function* smallerPrograms(program: Program): Generator<Program> {
  const { tasks, cancels } = program
  // The statement `cancel` names a task by its number, so only the last task may be removed.
  if (tasks.length > 1) yield { ...program, tasks: tasks.slice(0, -1) }
  for (const [index, task] of tasks.entries()) {
    if (task.body.length > 0) {
      yield { ...program, tasks: tasks.with(index, { ...task, body: [] }) }
    }
  }
  for (const index of cancels.keys()) {
    yield { ...program, cancels: cancels.toSpliced(index, 1) }
  }
  if (program.schedule !== null) yield { ...program, schedule: null }
  for (const [index, task] of tasks.entries()) {
    if (task.generator) {
      yield { ...program, tasks: tasks.with(index, { ...task, generator: false }) }
    }
    for (const body of smallerBlocks(task.body)) {
      yield { ...program, tasks: tasks.with(index, { ...task, body }) }
    }
  }
  for (const [index, cancel] of cancels.entries()) {
    for (const at of smallerNumbers(cancel.at)) {
      yield { ...program, cancels: cancels.with(index, { ...cancel, at }) }
    }
  }
}

function* smallerBlocks(block: readonly Statement[]): Generator<Statement[]> {
  yield* withoutParts(block)
  for (const [index, statement] of block.entries()) {
    for (const replacement of replacements(statement)) {
      yield block.toSpliced(index, 1, ...replacement)
    }
  }
}

/** Yields what may replace a statement: one of its blocks, or the same statement with less in it. */
function* replacements(statement: Statement): Generator<Statement[]> {
  switch (statement[0]) {
    case 'wait': {
      const [, kind, ms] = statement
      if (kind !== 'sleep') yield [['wait', 'sleep', ms]]
      if (ms !== null) for (const less of smallerNumbers(ms)) yield [['wait', kind, less]]
      return
    }
    case 'foreign':
    case 'abortable':
    case 'hop':
      if (statement[0] === 'abortable') yield [['foreign', statement[1]]]
      for (const less of smallerNumbers(statement[1])) {
        if (statement[0] !== 'hop' || less > 0) yield [[statement[0], less]]
      }
      return
    case 'all':
    case 'allSettled':
    case 'race': {
      const [name, branches] = statement
      for (const branch of branches) yield branch
      if (name !== 'all') yield [['all', branches]]
      for (const index of branches.keys()) yield [[name, branches.toSpliced(index, 1)]]
      for (const [index, branch] of branches.entries()) {
        for (const smaller of smallerBlocks(branch)) yield [[name, branches.with(index, smaller)]]
      }
      return
    }
    case 'float':
    case 'group':
    case 'child':
    case 'task':
    case 'generator': {
      const [name, block] = statement
      yield block
      for (const smaller of smallerBlocks(block)) yield [[name, smaller]]
      return
    }
    case 'timeout':
    case 'waitFor':
    case 'moveOnAfter':
    case 'repeat': {
      const [name, count, block] = statement
      yield block
      if (name === 'waitFor' || name === 'moveOnAfter') yield [['timeout', count, block]]
      for (const less of smallerNumbers(count)) yield [[name, less, block]]
      for (const smaller of smallerBlocks(block)) yield [[name, count, smaller]]
      return
    }
    case 'shielded': {
      const [name, grace, block] = statement
      yield block
      for (const smaller of smallerBlocks(block)) yield [[name, grace, smaller]]
      return
    }
    case 'try':
      yield* smallerTries(statement, smallerBlocks)
      return
    case 'fail':
    case 'cancel':
  }
}

function* smallerNumbers(number: number): Generator<number> {
  if (number <= 0) return
  yield 0
  if (number > 2) yield Math.floor(number / 2)
  if (number > 1) yield number - 1
}
