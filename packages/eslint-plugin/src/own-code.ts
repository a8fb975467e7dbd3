import type { ESTree, SourceCode } from '@oxlint/plugins'
import { findVariable } from './imports.ts'
import { withoutTypes } from './without-types.ts'

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
    // The node of a parameter is the function that has the parameter.
    if (definition === undefined || definition.type === 'Parameter') return null
    const { node } = definition
    return asFunction(node.type === 'VariableDeclarator' ? node.init : node)
  }
  if (called.type !== 'MemberExpression' || called.object.type !== 'ThisExpression') return null
  const member = findMember(called)
  return asFunction(member !== null && 'value' in member ? member.value : null)
}

/** The expression or declaration itself if it is a function; null if it is not. */
export function asFunction(
  node: Node | null,
): ESTree.Function | ESTree.ArrowFunctionExpression | null {
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

/** The value that the constructor of the class around it gives to `this.name`; null if there is none. */
export function findAssigned(member: ESTree.MemberExpression): Node | null {
  let around: Node | null = member
  while (around !== null && around.type !== 'ClassBody') around = around.parent
  const constructor = around?.body.find(
    (element) => element.type === 'MethodDefinition' && element.kind === 'constructor',
  )
  if (constructor?.type !== 'MethodDefinition') return null
  for (const statement of constructor.value.body?.body ?? []) {
    if (statement.type !== 'ExpressionStatement') continue
    const { expression } = statement
    if (expression.type !== 'AssignmentExpression' || expression.operator !== '=') continue
    if (isSameField(expression.left, member)) return expression.right
  }
  return null
}

function isSameField(target: Node, member: ESTree.MemberExpression): boolean {
  if (target.type !== 'MemberExpression' || target.object.type !== 'ThisExpression') return false
  const [own, other] = [target.property, member.property]
  if (target.computed || member.computed || own.type !== other.type) return false
  return 'name' in own && 'name' in other && own.name === other.name
}
