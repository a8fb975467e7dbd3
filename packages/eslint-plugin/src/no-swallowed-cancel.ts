import type { ESTree, Fix, Fixer, Rule, SourceCode } from '@oxlint/plugins'
import { exportOf, findVariable, importOfCore, importsTasktree } from './imports.ts'
import { asFunction, calledName, findFunction, someOwnNode } from './own-code.ts'
import { makesRun } from './tasktree-values.ts'
import { withoutTypes } from './without-types.ts'

type Node = ESTree.Node

/** The texts by which code recognizes a CancelledError without `isCancelled`: the name of the error, and its `code`. */
const marks: ReadonlySet<unknown> = new Set(['CancelledError', 'ERR_CANCELLED'])

/**
 * The names of functions that pass an error on to other code: to the code that waits for a promise or a future, to the
 * next handler of a request, to the callback of a caller, to the readers of a stream, or to a list.
 */
const handOvers: ReadonlySet<string> = new Set([
  'callback',
  'cb',
  'destroy',
  'done',
  'next',
  'push',
  'reject',
  'setException',
])

/** The names of functions that take a callback and ignore the value that the callback returns. */
const ignoringResults: ReadonlySet<string> = new Set([
  'addEventListener',
  'addListener',
  'forEach',
  'nextTick',
  'on',
  'once',
  'queueMicrotask',
  'setImmediate',
  'setInterval',
  'setTimeout',
])

/** Whether code waits at this node, so that a cancel of its task can be thrown there. */
function waits(sourceCode: SourceCode, node: Node): boolean {
  // A cancel of the waiting task is not thrown at `await import()`, which waits for a native promise, and not at
  // `await run(main)`, which runs a separate program.
  if (node.type === 'AwaitExpression') {
    const awaited = withoutTypes(node.argument)
    return awaited.type !== 'ImportExpression' && !makesRun(sourceCode, awaited)
  }
  if (node.type === 'YieldExpression') return node.delegate
  if (node.type === 'ForOfStatement') return node.await
  return node.type === 'VariableDeclaration' && node.kind === 'await using'
}

/** The names of the variables of a handler that hold the error, or a value that was made from it. */
type Names = ReadonlySet<string>

/** Whether the value of the expression is, or may be, one of these variables: `error`, `isLate ? late : error`, `other ?? error`. */
function isNamed(node: Node | null, names: Names): boolean {
  if (node === null) return false
  const inner = withoutTypes(node)
  switch (inner.type) {
    case 'Identifier':
      return names.has(inner.name)
    case 'ConditionalExpression':
      return isNamed(inner.consequent, names) || isNamed(inner.alternate, names)
    case 'LogicalExpression':
      return isNamed(inner.left, names) || isNamed(inner.right, names)
    default:
      return false
  }
}

/**
 * Whether the expression is the error, or a call with the error as an argument, because the called function may return a
 * cancel unchanged. A new error that has the old one as its cause does not count.
 */
function isMadeOf(node: Node | null, names: Names): boolean {
  if (node === null) return false
  const inner = withoutTypes(node)
  if (inner.type === 'AwaitExpression') return isMadeOf(inner.argument, names)
  if (inner.type !== 'CallExpression') return isNamed(inner, names)
  return inner.arguments.some((each) => isNamed(each, names))
}

/**
 * Returns the name of the error, and the names of the variables in `body` that are made from it, as in
 * `const e = error as Error`.
 */
function namesIn(sourceCode: SourceCode, body: Node, error: string | null): Names {
  const names = new Set(error === null ? [] : [error])
  someOwnNode(sourceCode, body, (node) => {
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier') {
      if (isMadeOf(node.init, names)) names.add(node.id.name)
    }
    return false
  })
  return names
}

/** Whether the node tests whether an error is a cancel, or whether the task was cancelled. */
function testsCancel(sourceCode: SourceCode, node: Node): boolean {
  if (node.type === 'CallExpression') {
    const name = exportOf(sourceCode, node.callee)?.name ?? calledName(node.callee)
    if (name === 'cancelling' || name === 'throwIfAborted') return true
    return name !== null && /^is\w*cancel/i.test(name)
  }
  if (node.type === 'BinaryExpression' && node.operator === 'instanceof') {
    const name = exportOf(sourceCode, node.right)?.name ?? calledName(node.right)
    return name === 'CancelledError'
  }
  return node.type === 'Literal' && marks.has(node.value)
}

/**
 * Whether the node passes the error on: throws the error or what a function makes of it, returns it, assigns it, or gives
 * it to a function in `handOvers`.
 */
function passesOn(node: Node, names: Names): boolean {
  switch (node.type) {
    case 'ThrowStatement':
      return isMadeOf(node.argument, names)
    case 'ReturnStatement':
      return isNamed(node.argument, names)
    case 'AssignmentExpression':
      return isNamed(node.right, names)
    case 'CallExpression': {
      const name = calledName(node.callee)
      return (
        name !== null && handOvers.has(name) && node.arguments.some((each) => isNamed(each, names))
      )
    }
    default:
      return false
  }
}

/** A handler of errors: of a `catch` clause or of `.catch()`. */
interface Handler {
  readonly node: Node
  readonly body: Node
  /** The name of the parameter for the error; null if the handler has no parameter, or destructures the parameter. */
  readonly error: string | null
}

function keepsCancel(sourceCode: SourceCode, { body, error }: Handler): boolean {
  const names = namesIn(sourceCode, body, error)
  if (isNamed(body, names)) return true
  return someOwnNode(sourceCode, body, (node) => {
    if (testsCancel(sourceCode, node) || passesOn(node, names)) return true
    return node.type === 'CallExpression' && isGivenToKeeper(sourceCode, node, names)
  })
}

/** Whether the call gives the error to a function of the linted file that tests for a cancel, or throws the error on. */
function isGivenToKeeper(
  sourceCode: SourceCode,
  call: ESTree.CallExpression,
  names: Names,
): boolean {
  const position = call.arguments.findIndex((each) => isNamed(each, names))
  if (position === -1) return false
  const called = findFunction(sourceCode, call.callee)
  const parameter = called?.params[position]
  if (called === null || called.body === null || parameter?.type !== 'Identifier') return false
  const own = namesIn(sourceCode, called.body, parameter.name)
  return someOwnNode(
    sourceCode,
    called.body,
    (node) =>
      testsCancel(sourceCode, node) || (node.type === 'ThrowStatement' && passesOn(node, own)),
  )
}

function throwsAnother(sourceCode: SourceCode, { body }: Handler): boolean {
  return someOwnNode(sourceCode, body, (node) => node.type === 'ThrowStatement')
}

/**
 * Returns the handler of errors that the call passes to `catch` or `then`: a function of this file, or a method of `console`.
 * Null for any other argument, because the file does not show what such a function does.
 */
function handlerOf(sourceCode: SourceCode, call: ESTree.CallExpression): Handler | null {
  if (call.callee.type !== 'MemberExpression') return null
  const name = calledName(call.callee)
  const position = name === 'catch' ? 0 : name === 'then' ? 1 : -1
  const node = call.arguments[position]
  if (node === undefined) return null
  if (isOfConsole(sourceCode, node)) return { node, body: node, error: null }
  const handler = asFunction(node) ?? findFunction(sourceCode, node)
  if (handler === null || handler.body === null) return null
  const [parameter] = handler.params
  const error = parameter?.type === 'Identifier' ? parameter.name : null
  return { node, body: handler.body, error }
}

/** Whether the expression is a method of the console, which only prints the error. */
function isOfConsole(sourceCode: SourceCode, node: Node): boolean {
  if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier') return false
  const { name } = node.object
  return name === 'console' && findVariable(sourceCode, node, name) === null
}

/** Whether the program uses the promise that the call returns. If not, the call only marks a failure as handled. */
function isUsed(node: Node): boolean {
  const { parent } = node
  switch (parent?.type) {
    case undefined:
    case 'ExpressionStatement':
      return false
    case 'ChainExpression':
    case 'ConditionalExpression':
    case 'LogicalExpression':
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
    case 'TSNonNullExpression':
      return isUsed(parent)
    case 'MemberExpression':
      return calledName(parent) !== 'finally' || isUsed(parent.parent)
    case 'ArrowFunctionExpression': {
      const taker = parent.parent
      if (taker.type === 'AssignmentExpression') return !isListener(taker.left)
      if (taker.type !== 'CallExpression') return true
      const name = calledName(taker.callee)
      return name === null || !ignoringResults.has(name)
    }
    case 'UnaryExpression':
      return parent.operator !== 'void'
    default:
      return true
  }
}

/** Whether a function that is assigned to `target` is a listener, as in `port.onmessage = () => …`. */
function isListener(target: Node): boolean {
  return /^on[a-z]/.test(calledName(target) ?? '')
}

export const noSwallowedCancel: Rule = {
  meta: {
    type: 'problem',
    hasSuggestions: true,
    schema: [
      {
        type: 'object',
        properties: { everyFile: { type: 'boolean' } },
        additionalProperties: false,
      },
    ],
    docs: { description: 'a catch that keeps a cancel from ending its task' },
    messages: {
      swallowed:
        'This handler also catches the CancelledError, and the cancelled task goes on. Rethrow the error if isCancelled(error).',
      replaced:
        'This handler also catches the CancelledError and throws another error, so that the cancelled task seems to have failed. Rethrow the error if isCancelled(error).',
      rethrow: 'Rethrow a cancel first',
    },
  },
  create({ sourceCode, options, report }) {
    const [settings] = options as readonly [{ everyFile?: boolean }?]
    if (settings?.everyFile !== true && !importsTasktree(sourceCode)) return {}

    function check(handler: Handler): void {
      if (keepsCancel(sourceCode, handler)) return
      const messageId = throwsAnother(sourceCode, handler) ? 'replaced' : 'swallowed'
      const fix = rethrowFirst(sourceCode, handler)
      const suggest = fix === null ? [] : [{ messageId: 'rethrow', fix }]
      report({ node: handler.node, messageId, suggest })
    }

    return {
      TryStatement({ block, handler }) {
        if (handler === null) return
        if (!someOwnNode(sourceCode, block, (node) => waits(sourceCode, node))) return
        const { param, body } = handler
        const error = param?.type === 'Identifier' ? param.name : null
        check({ node: handler, body, error })
      },
      CallExpression(call) {
        const handler = handlerOf(sourceCode, call)
        if (handler === null || !isUsed(call)) return
        if (call.callee.type === 'MemberExpression' && makesRun(sourceCode, call.callee.object))
          return
        check(handler)
      },
    }
  },
}

/**
 * Returns the fix that inserts `if (isCancelled(error)) throw error` at the beginning of the handler; null if an insertion
 * is not enough.
 */
function rethrowFirst(
  sourceCode: SourceCode,
  { node, body, error }: Handler,
): ((fixer: Fixer) => Fix[]) | null {
  // A function that stands elsewhere may have other callers.
  if (body.type !== 'BlockStatement' || body.parent !== node) return null
  // If the handler destructures the error, or is a function without parameters, the error must first get a name.
  const unnamed = node.type === 'CatchClause' && node.param === null
  if (error === null && !unnamed) return null
  // The new name would hide a variable that the handler uses.
  if (unnamed && /\berror\b/.test(sourceCode.getText(body))) return null
  const imported = importOfCore(sourceCode, node, 'isCancelled')
  if (imported === null) return null
  const name = error ?? 'error'
  const test = `if (${imported.local}(${name})) throw ${name}`
  const open = sourceCode.getFirstToken(body)
  if (open === null) return null
  return (fixer) => [
    ...(unnamed ? [fixer.insertTextBefore(body, `(${name}) `)] : []),
    fixer.insertTextAfter(open, body.body.length > 0 ? ` ${test};` : ` ${test} `),
    ...imported.addTo(fixer),
  ]
}
