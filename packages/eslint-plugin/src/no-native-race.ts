import type { ESTree, Fix, Fixer, Rule, SourceCode } from '@oxlint/plugins'
import { findVariable, importOfCore } from './imports.ts'
import { isTasktreeArray, isTasktreeValue } from './tasktree-values.ts'
import { withoutTypes } from './without-types.ts'

type Node = ESTree.Node

/** The functions of core that do for futures what the methods of Promise do for promises. */
const replacements = { race: 'race', any: 'any', all: 'gather' } as const

type Method = keyof typeof replacements

/** Returns the method of the global Promise that is called, if it is `race`, `any` or `all`. Returns null for any other call. */
function methodOf(sourceCode: SourceCode, call: ESTree.CallExpression): Method | null {
  const { callee } = call
  if (callee.type !== 'MemberExpression' || callee.computed) return null
  const { object, property } = callee
  if (object.type !== 'Identifier' || object.name !== 'Promise') return null
  if (property.type !== 'Identifier' || !Object.hasOwn(replacements, property.name)) return null
  return findVariable(sourceCode, object, 'Promise') === null ? (property.name as Method) : null
}

/** Returns a list with the expression that a function returns in its last statement or as its body. The list may be empty. */
function returned(callback: Node | undefined): Node[] {
  if (callback?.type !== 'ArrowFunctionExpression' && callback?.type !== 'FunctionExpression')
    return []
  // An async function returns a native promise, whatever its body returns.
  if (callback.async || callback.body === null) return []
  if (callback.body.type !== 'BlockStatement') return [callback.body]
  const last = callback.body.body.at(-1)
  return last?.type === 'ReturnStatement' && last.argument !== null ? [last.argument] : []
}

/**
 * Returns the expressions that the call waits for, if the linted file contains them: the elements of an array, or the expression
 * that `map` or `Array.from` makes of each item. For a constant, its initial value counts. `followed` has the initial values
 * that led to this list: a constant that is made from itself, as in `const list = [...list]`, must not be followed for ever.
 */
function contestants(
  sourceCode: SourceCode,
  list: Node | undefined,
  followed: readonly Node[] = [],
): Node[] {
  if (list === undefined) return []
  const node = withoutTypes(list)
  if (node.type === 'Identifier') {
    const initial = initialOf(sourceCode, node)
    if (initial === undefined || followed.includes(initial)) return []
    return contestants(sourceCode, initial, [...followed, initial])
  }
  if (node.type === 'ArrayExpression') {
    return node.elements.flatMap((element) => {
      if (element?.type !== 'SpreadElement') return element === null ? [] : [element]
      const spread = contestants(sourceCode, element.argument, followed)
      return spread.length > 0 ? spread : [element]
    })
  }
  if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return []
  const { property } = node.callee
  if (property.type !== 'Identifier') return []
  if (property.name === 'map') return returned(node.arguments[0])
  return property.name === 'from' ? returned(node.arguments[1]) : []
}

/**
 * Whether a list is written in the call itself, and is not a variable, which other code could change. A property such as
 * `this.tasks` counts as written in the call.
 */
function standsInCall(list: Node): boolean {
  const node = withoutTypes(list)
  if (node.type !== 'ArrayExpression') return node.type !== 'Identifier'
  return node.elements.every(
    (element) => element?.type !== 'SpreadElement' || standsInCall(element.argument),
  )
}

/** Returns the initial value of a `const`. Returns undefined for other names, and if the value is only the name of a variable. */
function initialOf(sourceCode: SourceCode, constant: { name: string } & Node): Node | undefined {
  const node = findVariable(sourceCode, constant, constant.name)?.defs[0]?.node
  if (node?.type !== 'VariableDeclarator' || node.id.type !== 'Identifier') return undefined
  if (node.parent.type !== 'VariableDeclaration' || node.parent.kind !== 'const') return undefined
  const initial = node.init === null ? undefined : withoutTypes(node.init)
  return initial?.type === 'Identifier' ? undefined : initial
}

export const noNativeRace: Rule = {
  meta: {
    type: 'problem',
    fixable: 'code',
    hasSuggestions: true,
    schema: [],
    docs: { description: 'Promise.race, any and all over futures, which do not cancel them' },
    messages: {
      race: 'Promise.race leaves the losing futures running. race() of @tasktree/core cancels them and waits for their end.',
      any: 'Promise.any leaves the losing futures running. any() of @tasktree/core cancels them and waits for their end.',
      all: 'A cancel of Promise.all does not wait until all futures have ended. gather() of @tasktree/core does.',
      replace: 'Call {{name}}() of @tasktree/core',
    },
  },
  create({ sourceCode, report }) {
    return {
      CallExpression(call) {
        const method = methodOf(sourceCode, call)
        if (method === null) return
        const [list] = call.arguments
        const all = contestants(sourceCode, list)
        const futures = all.filter((element) =>
          element.type === 'SpreadElement'
            ? isTasktreeArray(sourceCode, element.argument)
            : isTasktreeValue(sourceCode, element),
        )
        const isArray = list !== undefined && isTasktreeArray(sourceCode, list)
        if (futures.length === 0 && !isArray) return
        const imported = importOfCore(sourceCode, call, replacements[method])
        if (imported === null) {
          report({ node: call, messageId: method })
          return
        }
        const fix = (fixer: Fixer): Fix[] => [
          fixer.replaceText(call.callee, imported.local),
          ...imported.addTo(fixer),
        ]
        // `gather` does for futures all that `Promise.all` does, so the call is replaced if all elements are known to be
        // futures. A list with a name and no written type may hold plain values, which `gather` refuses. `race` and `any` of core
        // cancel the losing futures, which the program may still need. In both cases the replacement is only suggested.
        const isInline = list !== undefined && standsInCall(list)
        if (method === 'all' && (isArray || (isInline && futures.length === all.length))) {
          report({ node: call, messageId: method, fix })
        } else {
          const suggestion = { messageId: 'replace', data: { name: replacements[method] }, fix }
          report({ node: call, messageId: method, suggest: [suggestion] })
        }
      },
    }
  },
}
