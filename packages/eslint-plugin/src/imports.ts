import type { ESTree, Fix, Fixer, SourceCode, Variable } from '@oxlint/plugins'

type Node = ESTree.Node

const core = '@tasktree/core'

function isTasktree(source: string): boolean {
  return source.startsWith('@tasktree/')
}

/** Whether the file imports one of Tasktree's packages, even if it imports only types. */
export function importsTasktree(sourceCode: SourceCode): boolean {
  return sourceCode.ast.body.some(
    (statement) => statement.type === 'ImportDeclaration' && isTasktree(statement.source.value),
  )
}

/** Returns the variable that a name means at a place in the code; null if the file declares no such variable. */
export function findVariable(sourceCode: SourceCode, at: Node, name: string): Variable | null {
  for (let scope = sourceCode.getScope(at); ; scope = scope.upper) {
    const variable = scope.set.get(name)
    if (variable !== undefined) return variable.defs.length > 0 ? variable : null
    if (scope.upper === null) return null
  }
}

/** Whether the variable is an import from one of Tasktree's packages. */
export function isImported(variable: Variable): boolean {
  return variable.defs.some(
    ({ type, parent }) =>
      type === 'ImportBinding' &&
      parent?.type === 'ImportDeclaration' &&
      isTasktree(parent.source.value),
  )
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
    const whole = specifierOf(sourceCode, object)
    return whole?.node.type === 'ImportNamespaceSpecifier'
      ? { name: property.name, source: whole.source }
      : null
  }
  const specifier = specifierOf(sourceCode, expression)
  if (specifier?.node.type !== 'ImportSpecifier') return null
  const { imported } = specifier.node
  const name = imported.type === 'Identifier' ? imported.name : imported.value
  return { name, source: specifier.source }
}

/** Returns the specifier that imports the value of an identifier from Tasktree; null if the identifier is not imported from there. */
function specifierOf(
  sourceCode: SourceCode,
  identifier: Node,
): { node: Node; source: string } | null {
  if (identifier.type !== 'Identifier') return null
  const definition = findVariable(sourceCode, identifier, identifier.name)?.defs[0]
  if (definition?.parent?.type !== 'ImportDeclaration') return null
  const source = definition.parent.source.value
  return isTasktree(source) ? { node: definition.node, source } : null
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
  const declarations = sourceCode.ast.body.filter((node) => node.type === 'ImportDeclaration')
  const values = declarations.filter(
    (node) => node.source.value === core && node.importKind !== 'type',
  )
  for (const specifier of values.flatMap((node) => node.specifiers)) {
    if (specifier.type !== 'ImportSpecifier' || specifier.importKind === 'type') continue
    const { imported, local } = specifier
    if (imported.type !== 'Identifier' || imported.name !== exported) continue
    const variable = findVariable(sourceCode, at, local.name)
    if (variable !== null && isImported(variable)) return { local: local.name, addTo: () => [] }
    return null
  }
  if (findVariable(sourceCode, at, exported) !== null) return null
  const list = values
    .flatMap((node) => node.specifiers)
    .findLast((specifier) => specifier.type === 'ImportSpecifier')
  // A directive such as 'use client' counts only before all other statements.
  const statement = sourceCode.ast.body.find((node) => !('directive' in node && node.directive))
  const first = declarations[0] ?? statement
  return {
    local: exported,
    addTo(fixer) {
      if (list !== undefined) return [fixer.insertTextAfter(list, `, ${exported}`)]
      if (first === undefined) return []
      return [fixer.insertTextBefore(first, `import { ${exported} } from '${core}'\n`)]
    },
  }
}
