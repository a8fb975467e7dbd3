import type { ESTree, Fix, Fixer, SourceCode, Variable } from '@oxlint/plugins'
import { withoutTypes } from './without-types.ts'

type Node = ESTree.Node

const core = '@tasktree/core'

function isTasktree(source: string): boolean {
  return source.startsWith('@tasktree/')
}

/** Whether the file imports or requires one of Tasktree's packages, even if it imports only types. `export … from` does not count. */
export function importsTasktree(sourceCode: SourceCode): boolean {
  const isImported = sourceCode.ast.body.some(
    (statement) => statement.type === 'ImportDeclaration' && isTasktree(statement.source.value),
  )
  return isImported || /\b(?:require|import)\(\s*['"`]@tasktree\//.test(sourceCode.text)
}

/** Returns the variable that a name means at a place in the code; null if the file declares no such variable. */
export function findVariable(sourceCode: SourceCode, at: Node, name: string): Variable | null {
  for (let scope = sourceCode.getScope(at); ; scope = scope.upper) {
    const variable = scope.set.get(name)
    if (variable !== undefined) return variable.defs.length > 0 ? variable : null
    if (scope.upper === null) return null
  }
}

/** Where a value comes from: the export `name` of Tasktree's package `source`. If `name` is null, the value holds all exports. */
interface Origin {
  readonly name: string | null
  readonly source: string
}

/**
 * Returns the export of Tasktree that a variable gets by `import`, `require` or `await import`. Returns null if the variable gets its
 * value in another way, or from another package.
 */
function originOf(sourceCode: SourceCode, variable: Variable): Origin | null {
  const [definition] = variable.defs
  if (definition === undefined) return null
  const { node, parent, name } = definition
  if (parent?.type === 'ImportDeclaration') {
    const source = parent.source.value
    if (!isTasktree(source)) return null
    return { name: node.type === 'ImportSpecifier' ? nameOf(node.imported) : null, source }
  }
  if (node.type !== 'VariableDeclarator' || node.init === null) return null
  if (node.id === name) {
    const source = requested(node.init)
    return source === null ? null : { name: null, source }
  }
  const element = elementsOf(node.id).find(({ value }) => value === name)
  const source = element === undefined ? null : moduleOf(sourceCode, node.init)
  return element === undefined || source === null ? null : { name: nameOf(element.key), source }
}

/** Returns the elements of a pattern such as `{ sleep, race: first }`. */
function elementsOf(pattern: Node): (Node & { readonly key: Node; readonly value: Node })[] {
  if (pattern.type !== 'ObjectPattern') return []
  return pattern.properties.flatMap((each) =>
    each.type === 'Property' && !each.computed ? [each] : [],
  )
}

/** Returns the package of Tasktree whose exports the expression holds, as in `core` after `import * as core`; null if none. */
function moduleOf(sourceCode: SourceCode, expression: Node): string | null {
  const node = withoutTypes(expression)
  if (node.type !== 'Identifier') return requested(node)
  const definition = findVariable(sourceCode, node, node.name)?.defs[0]
  if (definition === undefined) return null
  const { node: declared, parent, name } = definition
  if (declared.type === 'ImportNamespaceSpecifier' && parent?.type === 'ImportDeclaration') {
    return isTasktree(parent.source.value) ? parent.source.value : null
  }
  if (declared.type !== 'VariableDeclarator' || declared.id !== name) return null
  return declared.init === null ? null : requested(declared.init)
}

/** Returns the package of Tasktree that `await import('…')` or `require('…')` loads; null for any other expression. */
function requested(expression: Node): string | null {
  const node = withoutTypes(expression)
  const call = node.type === 'AwaitExpression' ? withoutTypes(node.argument) : node
  let source: Node | undefined
  if (call.type === 'ImportExpression' && node !== call) source = call.source
  else if (call.type === 'CallExpression' && isRequire(call.callee)) source = call.arguments[0]
  const name = source === undefined ? null : nameOf(source)
  return name !== null && isTasktree(name) ? name : null
}

function isRequire(callee: Node): boolean {
  return callee.type === 'Identifier' && callee.name === 'require'
}

/** Returns the text of a name or of a string; null for any other node. */
function nameOf(node: Node): string | null {
  if (node.type === 'Identifier') return node.name
  return node.type === 'Literal' && typeof node.value === 'string' ? node.value : null
}

/** Whether the variable is an export of one of Tasktree's packages, or holds all of its exports. */
export function isImported(sourceCode: SourceCode, variable: Variable): boolean {
  return originOf(sourceCode, variable) !== null
}

/** An export of one of Tasktree's packages. */
export interface Export {
  readonly name: string
  readonly source: string
}

/**
 * Returns the export of Tasktree that an expression means; null if it means none. For example, `wasCancelled` means
 * `isCancelled` of core after `import { isCancelled as wasCancelled }`, and so does `core.isCancelled` after
 * `import * as core`.
 */
export function exportOf(sourceCode: SourceCode, expression: Node): Export | null {
  if (expression.type === 'MemberExpression') {
    const { object, property, computed } = expression
    if (computed || property.type !== 'Identifier') return null
    const source = moduleOf(sourceCode, object)
    return source === null ? null : { name: property.name, source }
  }
  if (expression.type !== 'Identifier') return null
  const variable = findVariable(sourceCode, expression, expression.name)
  const origin = variable === null ? null : originOf(sourceCode, variable)
  return origin?.name == null ? null : { name: origin.name, source: origin.source }
}

/** How code of a file can call an export of core: the name of the export in this file, and the changes that import it. */
export interface CoreImport {
  readonly local: string
  addTo(fixer: Fixer): Fix[]
}

/**
 * Returns how code at `at` can call `exported` of `@tasktree/core`. Null if the name already means something else at that
 * place, because the code there would then not see an import of it.
 */
export function importOfCore(
  sourceCode: SourceCode,
  at: Node,
  exported: string,
): CoreImport | null {
  const names = namesFromCore(sourceCode)
  const own = names.find((each) => each.exported === exported)
  if (own !== undefined) {
    const variable = findVariable(sourceCode, at, own.local)
    if (variable === null || !isImported(sourceCode, variable)) return null
    return { local: own.local, addTo: () => [] }
  }
  if (findVariable(sourceCode, at, exported) !== null) return null
  const last = names.at(-1)
  const declaration = sourceCode.ast.body.find((node) => node.type === 'ImportDeclaration')
  // A directive such as 'use client' counts only before all other statements.
  const statement = sourceCode.ast.body.find((node) => !('directive' in node && node.directive))
  const first = declaration ?? statement
  const isCommonJs =
    declaration === undefined && /\brequire\(\s*['"`]@tasktree\//.test(sourceCode.text)
  const text = isCommonJs
    ? `const { ${exported} } = require('${core}')\n`
    : `import { ${exported} } from '${core}'\n`
  return {
    local: exported,
    addTo(fixer) {
      if (last !== undefined) return [fixer.insertTextAfter(last.node, `, ${exported}`)]
      return first === undefined ? [] : [fixer.insertTextBefore(first, text)]
    },
  }
}

/** A name that a statement of the file, outside of all functions, gives to an export of core. */
interface NameFromCore {
  readonly exported: string
  readonly local: string
  /** The element of the statement's list. */
  readonly node: Node
}

/** Returns the names in the lists of `import { … } from '@tasktree/core'` and `const { … } = require('@tasktree/core')`. */
function namesFromCore(sourceCode: SourceCode): NameFromCore[] {
  const names: NameFromCore[] = []
  for (const statement of sourceCode.ast.body) {
    if (statement.type === 'ImportDeclaration') {
      if (statement.source.value !== core || statement.importKind === 'type') continue
      for (const node of statement.specifiers) {
        if (node.type !== 'ImportSpecifier' || node.importKind === 'type') continue
        names.push({ exported: nameOf(node.imported) ?? '', local: node.local.name, node })
      }
    }
    if (statement.type !== 'VariableDeclaration') continue
    for (const { id, init } of statement.declarations) {
      if (init === null || moduleOf(sourceCode, init) !== core) continue
      for (const node of elementsOf(id)) {
        if (node.value.type !== 'Identifier') continue
        names.push({ exported: nameOf(node.key) ?? '', local: node.value.name, node })
      }
    }
  }
  return names
}
