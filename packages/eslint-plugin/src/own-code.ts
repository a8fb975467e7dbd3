import type { ESTree, SourceCode } from '@oxlint/plugins'
import { findVariable } from './imports.ts'

type Node = ESTree.Node

const functions: ReadonlySet<string> = new Set([
  'ArrowFunctionExpression',
  'FunctionDeclaration',
  'FunctionExpression',
  'PropertyDefinition',
  'StaticBlock',
])

/**
 * Whether `test` is true of `root` or of a node inside of it that runs together with it. The bodies of functions inside
 * of `root` do not count, because they run at another time.
 */
export function someOwnNode(
  sourceCode: SourceCode,
  root: Node,
  test: (node: Node) => boolean,
): boolean {
  if (test(root)) return true
  const keys = sourceCode.visitorKeys[root.type] ?? []
  const fields = root as unknown as Readonly<Record<string, Node | readonly (Node | null)[] | null>>
  return keys.some((key) =>
    [fields[key] ?? null]
      .flat()
      .some(
        (child) =>
          child !== null && !functions.has(child.type) && someOwnNode(sourceCode, child, test),
      ),
  )
}

/** Returns the expression without the parts that only the compiler reads: `x as T`, `x!`, `x satisfies T`, parentheses. */
export function withoutTypes(node: Node): Node {
  switch (node.type) {
    case 'ChainExpression':
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
    case 'TSNonNullExpression':
    case 'TSSatisfiesExpression':
    case 'TSTypeAssertion':
      return withoutTypes(node.expression)
    default:
      return node
  }
}

/** Returns the name of the function that is called: `f` for `f()` and for `object.f()`; null for `object[name]()`. */
export function calledName(callee: Node): string | null {
  const called = withoutTypes(callee)
  if (called.type === 'Identifier') return called.name
  if (called.type !== 'MemberExpression' || called.computed) return null
  return called.property.type === 'Identifier' ? called.property.name : null
}

/**
 * Returns the function that is called, if the linted file contains it: `f` for `f()`, or for `this.f()` the method of the
 * class. Otherwise null.
 */
export function findFunction(
  sourceCode: SourceCode,
  callee: Node,
): ESTree.Function | ESTree.ArrowFunctionExpression | null {
  const called = withoutTypes(callee)
  if (called.type === 'Identifier') {
    const definition = findVariable(sourceCode, called, called.name)?.defs[0]
    if (definition === undefined) return null
    const { node } = definition
    return asFunction(node.type === 'VariableDeclarator' ? node.init : node)
  }
  if (called.type !== 'MemberExpression' || called.object.type !== 'ThisExpression') return null
  const member = findMember(called)
  return asFunction(member !== null && 'value' in member ? member.value : null)
}

function asFunction(node: Node | null): ESTree.Function | ESTree.ArrowFunctionExpression | null {
  if (node?.type === 'FunctionDeclaration' || node?.type === 'FunctionExpression') return node
  return node?.type === 'ArrowFunctionExpression' ? node : null
}

/** The node that declares a member of a class: a method, a field, or a parameter of the constructor, as in `constructor(private x)`. */
type Member = ESTree.MethodDefinition | ESTree.PropertyDefinition | ESTree.BindingIdentifier

/** Returns the declaration of `this.name` or `this.#name` in the class around the expression; null if the class has none. */
export function findMember(member: ESTree.MemberExpression): Member | null {
  const name = member.property
  if (member.computed) return null
  if (name.type !== 'Identifier' && name.type !== 'PrivateIdentifier') return null
  for (let around: Node | null = member; around !== null; around = around.parent) {
    if (around.type !== 'ClassBody') continue
    for (const element of around.body) {
      if (element.type !== 'MethodDefinition' && element.type !== 'PropertyDefinition') continue
      const { key } = element
      if ('kind' in element && element.kind === 'constructor') {
        const parameter = findParameterProperty(element, name.name)
        if (parameter !== null) return parameter
      }
      if (element.computed || key.type !== name.type) continue
      if ('name' in key && key.name === name.name) return element
    }
    return null
  }
  return null
}

/**
 * Returns the parameter of the constructor that declares the field `name`, as in
 * `constructor(private readonly queue: Queue<number>)`; null if there is none.
 */
function findParameterProperty(
  { value }: ESTree.MethodDefinition,
  name: string,
): ESTree.BindingIdentifier | null {
  for (const each of value.params) {
    if (each.type !== 'TSParameterProperty') continue
    const { parameter } = each
    const declared = parameter.type === 'AssignmentPattern' ? parameter.left : parameter
    if (declared.type === 'Identifier' && declared.name === name) return declared
  }
  return null
}
