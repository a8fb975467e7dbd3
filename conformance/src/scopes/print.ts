import type { SimpleStatement, Statement } from './program.ts'

/** Prints the program as JavaScript. It is close enough to real code to be read, and to be copied into a test. */
export function printProgram(body: readonly Statement[]): string {
  const lines: string[] = []
  printBlock(body, '', lines)
  return lines.join('\n')
}

function printBlock(block: readonly Statement[], indent: string, lines: string[]): void {
  for (const statement of block) printStatement(statement, indent, lines)
}

function printStatement(statement: Statement, indent: string, lines: string[]): void {
  const around = (opening: string, block: readonly Statement[], closing: string): void => {
    lines.push(`${indent}${opening}`)
    printBlock(block, `${indent}  `, lines)
    lines.push(`${indent}${closing}`)
  }
  switch (statement[0]) {
    case 'scope': {
      const [, slot, kind, ms, shield, block] = statement
      const name = `async (scope${slot}) => {`
      if (kind === 'cancelScope') {
        const limit = ms === null ? [] : [`timeout: ${ms}`]
        const options = [...limit, ...(shield ? ['shield: true'] : [])].join(', ')
        around(`await cancelScope(${name}`, block, options === '' ? '})' : `}, { ${options} })`)
      } else if (kind === 'shielded') {
        around('await shielded(async () => {', block, `}) // scope${slot}`)
      } else {
        around(`await ${kind}(${ms}, ${name}`, block, '})')
      }
      break
    }
    case 'group':
      around(`await taskGroup(async (group${statement[1]}) => {`, statement[2], '})')
      break
    case 'spawn':
      around(`group${statement[1]}.createTask(async () => {`, statement[2], '})')
      break
    case 'repeat':
      around(`for (let i = 0; i < ${statement[1]}; i++) {`, statement[2], '}')
      break
    case 'try': {
      const [, body, catches, handler, final] = statement
      lines.push(`${indent}try {`)
      printBlock(body, `${indent}  `, lines)
      if (catches !== null) {
        lines.push(
          `${indent}} catch (error) {${catches === 'all' ? '' : ` // if it is ${article[catches]}`}`,
        )
        printBlock(handler, `${indent}  `, lines)
      }
      if (final !== null) {
        lines.push(`${indent}} finally {`)
        printBlock(final, `${indent}  `, lines)
      }
      lines.push(`${indent}}`)
      break
    }
    case 'sleep':
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
      lines.push(`${indent}${printSimple(statement)}`)
  }
}

const article = { cancel: 'a cancel', error: 'an error' }

function printSimple(statement: SimpleStatement): string {
  switch (statement[0]) {
    case 'sleep':
      return `await sleep(${statement[1]})`
    case 'checkpoint':
      return 'await checkpoint()'
    case 'wait':
      return `await event${statement[1]}.wait()`
    case 'set':
      return `event${statement[1]}.set()`
    case 'cancel':
      return `scope${statement[1]}.cancel()`
    case 'probe':
      return `trace(scope${statement[1]}.cancelCalled)`
    case 'shield':
      return `scope${statement[1]}.shield = ${statement[2]}`
    case 'deadline':
      return `scope${statement[1]}.deadline = ${statement[2] === null ? 'Infinity' : `now + ${statement[2]}`}`
    case 'effective':
      return 'trace(effectiveDeadline())'
    case 'cancelGroup':
      return `group${statement[1]}.cancel()`
    case 'raise':
      return `throw new Error('${statement[1]}')`
    case 'reraise':
    default:
      return 'throw error'
  }
}
