import type { ESTree, Fix, Fixer, Rule, SourceCode } from '@oxlint/plugins'
import { importOfCore, importsTasktree } from './imports.ts'
import { calledName, findFunction, someOwnNode, withoutTypes } from './own-code.ts'

type Node = ESTree.Node

/** What a CancelledError is recognized by, besides `isCancelled`. */
const marks: ReadonlySet<unknown> = new Set(['CancelledError', 'ERR_CANCELLED'])

/** Calls that pass an error on to the code that waits for a promise or a future. */
const handOvers: ReadonlySet<string> = new Set(['reject', 'setException'])

/** Whether code waits at this node, so that a cancel can be thrown there. */
function waits(node: Node): boolean {
  if (node.type === 'AwaitExpression') return true
  if (node.type === 'YieldExpression') return node.delegate
  if (node.type === 'ForOfStatement') return node.await
  return node.type === 'VariableDeclaration' && node.kind === 'await using'
}

/** Whether the expression is the name, or may be: `isLate ? late : error`, `other ?? error`. */
function isName(node: Node | null, name: string | null): boolean {
  if (node === null || name === null) return false
  const inner = withoutTypes(node)
  switch (inner.type) {
    case 'Identifier':
      return inner.name === name
    case 'ConditionalExpression':
      return isName(inner.consequent, name) || isName(inner.alternate, name)
    case 'LogicalExpression':
      return isName(inner.left, name) || isName(inner.right, name)
    default:
      return false
  }
}

/** Whether the node looks at whether the error is a cancel. */
function testsCancel(node: Node): boolean {
  if (node.type === 'CallExpression') {
    const name = calledName(node.callee)
    return name !== null && (name === 'cancelling' || /^is\w*cancel/i.test(name))
  }
  if (node.type === 'BinaryExpression' && node.operator === 'instanceof') {
    return calledName(node.right) === 'CancelledError'
  }
  return node.type === 'Literal' && marks.has(node.value)
}

/** Whether the node gives the error itself to other code: it throws it, returns it, or rejects with it. */
function passesOn(node: Node, error: string | null): boolean {
  switch (node.type) {
    case 'ThrowStatement': {
      const thrown = withoutTypes(node.argument)
      // A function that is given the error can see that it is a cancel. A new error made around it cannot.
      const translated = thrown.type === 'CallExpression' ? thrown.arguments : [thrown]
      return translated.some((each) => isName(each, error))
    }
    case 'ReturnStatement':
      return isName(node.argument, error)
    case 'AssignmentExpression':
      return isName(node.right, error)
    case 'CallExpression': {
      const name = calledName(node.callee)
      return (
        name !== null && handOvers.has(name) && node.arguments.some((each) => isName(each, error))
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
  /** The name of the error; null if the handler has none, or takes it apart. */
  readonly error: string | null
}

function keepsCancel(sourceCode: SourceCode, handler: Handler): boolean {
  const { body, error } = handler
  if (isName(body, error)) return true
  return someOwnNode(sourceCode, body, (node) => {
    if (testsCancel(node) || passesOn(node, error)) return true
    return node.type === 'CallExpression' && isGivenToKeeper(sourceCode, node, error)
  })
}

/** Whether the error is an argument of a call of a function in this file which keeps the cancel itself. */
function isGivenToKeeper(
  sourceCode: SourceCode,
  call: ESTree.CallExpression,
  error: string | null,
): boolean {
  const position = call.arguments.findIndex((each) => isName(each, error))
  if (position === -1) return false
  const called = findFunction(sourceCode, call.callee)
  const parameter = called?.params[position]
  if (called === null || called.body === null || parameter?.type !== 'Identifier') return false
  return someOwnNode(
    sourceCode,
    called.body,
    (node) =>
      testsCancel(node) || (node.type === 'ThrowStatement' && passesOn(node, parameter.name)),
  )
}

function throwsAnother(sourceCode: SourceCode, { body }: Handler): boolean {
  return someOwnNode(sourceCode, body, (node) => node.type === 'ThrowStatement')
}

/** The handler for the errors of the promise that a call of `catch` or `then` is about. */
function handlerOf(call: ESTree.CallExpression): Handler | null {
  if (call.callee.type !== 'MemberExpression') return null
  const name = calledName(call.callee)
  const position = name === 'catch' ? 0 : name === 'then' ? 1 : -1
  const node = call.arguments[position]
  if (node?.type !== 'ArrowFunctionExpression' && node?.type !== 'FunctionExpression') return null
  const [parameter] = node.params
  if (node.body === null) return null
  const error = parameter?.type === 'Identifier' ? parameter.name : null
  return { node, body: node.body, error }
}

/** Whether the code goes on with the outcome of the call. Else the call only marks a failure as handled. */
function isUsed(call: Node): boolean {
  const parent = call.parent
  if (parent === null || parent.type === 'ExpressionStatement') return false
  if (parent.type === 'ChainExpression') return isUsed(parent)
  if (parent.type === 'MemberExpression' && calledName(parent) === 'finally') {
    return isUsed(parent.parent)
  }
  return !(parent.type === 'UnaryExpression' && parent.operator === 'void')
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
        if (!someOwnNode(sourceCode, block, waits)) return
        const { param, body } = handler
        const error = param?.type === 'Identifier' ? param.name : null
        check({ node: handler, body, error })
      },
      CallExpression(call) {
        if (!isUsed(call)) return
        const handler = handlerOf(call)
        if (handler !== null) check(handler)
      },
    }
  },
}

/** Puts `if (isCancelled(error)) throw error` at the beginning of the handler; null where that takes more than an insertion. */
function rethrowFirst(
  sourceCode: SourceCode,
  { node, body, error }: Handler,
): ((fixer: Fixer) => Fix[]) | null {
  if (body.type !== 'BlockStatement') return null
  // A handler that takes the error apart, or a function without parameters, must first get a name for it.
  const unnamed = node.type === 'CatchClause' && node.param === null
  if (error === null && !unnamed) return null
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
