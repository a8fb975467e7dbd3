import type { Program, Statement } from './program.ts'

/** Prints the program as JavaScript. It is close enough to real code to be read, and to be copied into a test. */
export function printProgram(program: Program): string {
  const lines: string[] = []
  for (const [index, { generator, body }] of program.tasks.entries()) {
    const opening = generator ? 'function* ()' : 'async () =>'
    lines.push(`const task${index} = createTask(${opening} {`)
    printBlock(body, '  ', generator ? 'yield*' : 'await', lines)
    lines.push('})')
  }
  for (const { at, task } of program.cancels) {
    lines.push(`loop.callLater(${at}, () => task${task}.cancel())`)
  }
  if (program.schedule !== null) lines.push(`// ready queue shuffled by seed ${program.schedule}`)
  return lines.join('\n')
}

function printBlock(
  block: readonly Statement[],
  indent: string,
  wait: string,
  lines: string[],
): void {
  for (const statement of block) printStatement(statement, indent, wait, lines)
}

function printStatement(statement: Statement, indent: string, wait: string, lines: string[]): void {
  const line = (text: string): void => {
    lines.push(`${indent}${text}`)
  }
  const around = (opening: string, block: readonly Statement[], closing: string): void => {
    line(opening)
    printBlock(block, `${indent}  `, 'await', lines)
    line(closing)
  }
  switch (statement[0]) {
    case 'wait':
      line(`${wait} ${printWait(statement[1], statement[2])}`)
      break
    case 'foreign':
      line(`${wait.replace('*', '')} foreign(${statement[1]})`)
      break
    case 'abortable':
      line(`${wait.replace('*', '')} abortable(${statement[1]}, taskSignal())`)
      break
    case 'hop':
      line(`${wait.replace('*', '')} null // ${statement[1]} times`)
      break
    case 'all':
    case 'allSettled':
    case 'race':
      line(`await Promise.${statement[0]}([`)
      for (const branch of statement[1]) {
        lines.push(`${indent}  (async () => {`)
        printBlock(branch, `${indent}    `, 'await', lines)
        lines.push(`${indent}  })(),`)
      }
      line('])')
      break
    case 'float':
      around('void (async () => { // its own errors are caught', statement[1], '})()')
      break
    case 'timeout':
    case 'moveOnAfter':
      around(`await ${statement[0]}(${statement[1]}, async () => {`, statement[2], '})')
      break
    case 'shielded': {
      const [, grace, block] = statement
      around(
        'await shielded(async () => {',
        block,
        grace === null ? '})' : `}, { grace: ${grace} })`,
      )
      break
    }
    case 'waitFor':
      around('await waitFor(async () => {', statement[2], `}, ${statement[1]})`)
      break
    case 'group':
      around('await taskGroup(async (group) => {', statement[1], '})')
      break
    case 'child':
      around('group.createTask(async () => {', statement[1], '})')
      break
    case 'task':
      around('await createTask(async () => {', statement[1], '})')
      break
    case 'generator':
      line('await coroutine(function* () {')
      printBlock(statement[1], `${indent}  `, 'yield*', lines)
      line('})()')
      break
    case 'repeat':
      line(`for (let i = 0; i < ${statement[1]}; i++) {`)
      printBlock(statement[2], `${indent}  `, wait, lines)
      line('}')
      break
    case 'try': {
      const [, body, catches, handler, final] = statement
      line('try {')
      printBlock(body, `${indent}  `, wait, lines)
      if (catches !== null) {
        line('} catch (error) {')
        if (catches === 'error') lines.push(`${indent}  if (isCancelled(error)) throw error`)
        printBlock(handler, `${indent}  `, wait, lines)
      }
      if (final !== null) {
        line('} finally {')
        printBlock(final, `${indent}  `, wait, lines)
      }
      line('}')
      break
    }
    case 'fail':
      line("throw new Error('fail')")
      break
    case 'cancel':
      line(`task${statement[1]}.cancel()`)
      break
  }
}

export function printWait(kind: string, ms: number | null): string {
  switch (kind) {
    case 'sleep':
      return `sleep(${ms ?? 'Infinity'})`
    case 'future':
      return ms === null ? 'new Future()' : `futureDoneAfter(${ms})`
    case 'chain':
      return `sleep(${ms ?? 'Infinity'}).finally(() => {})`
    case 'ensureFuture':
      return ms === null ? 'ensureFuture(new Promise(() => {}))' : `ensureFuture(foreign(${ms}))`
    case 'event':
      return ms === null ? 'new Event().wait()' : `eventSetAfter(${ms}).wait()`
    default:
      return ms === null ? 'new Queue().get()' : `queueFilledAfter(${ms}).get()`
  }
}
