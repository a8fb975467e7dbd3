// Finds out from the text alone whether an expression is something of Tasktree: a future, a task, or the result of a method
// of one of its objects. The rules must work in oxlint, which gives a plugin no types. So an expression is followed to the
// import that it comes from: `queue.get()` to `const queue = new Queue()`, and `Queue` to `@tasktree/sync`. An expression
// whose origin is not in the file counts as unknown, and the rules stay silent about it.
import type { ESTree, SourceCode, Variable } from '@oxlint/plugins'
import { findVariable, isImported } from './imports.ts'
import { findMember, withoutTypes } from './own-code.ts'

type Node = ESTree.Node

/** Functions of Tasktree that return no future: those that ask a question, and those that make a whole run, from outside of which no cancel comes. */
const plain: ReadonlySet<string> = new Set([
  'explore',
  'formatTaskTree',
  'isCancelled',
  'isFuture',
  'run',
  'runMain',
  'runVirtual',
])

/** Whether the expression comes from a call or a class of Tasktree. */
export function isTasktreeValue(sourceCode: SourceCode, expression: Node): boolean {
  return new Search(sourceCode).isValue(expression)
}

class Search {
  readonly #sourceCode: SourceCode
  /** The variables that are being followed; one that leads back to itself has no origin. */
  readonly #followed = new Set<Variable>()

  constructor(sourceCode: SourceCode) {
    this.#sourceCode = sourceCode
  }

  isValue(expression: Node): boolean {
    const node = withoutTypes(expression)
    switch (node.type) {
      case 'CallExpression':
      case 'NewExpression': {
        const callee = withoutTypes(node.callee)
        if (callee.type === 'Identifier') return this.#isImported(callee)
        return callee.type === 'MemberExpression' && this.#isObject(callee.object)
      }
      case 'Identifier':
        return this.#isVariable(node)
      case 'MemberExpression':
        return this.#isField(node)
      case 'ConditionalExpression':
        return this.isValue(node.consequent) && this.isValue(node.alternate)
      default:
        return false
    }
  }

  /** Whether a method of this object is one of Tasktree: the object is a value of it, its class, or its module. */
  #isObject(object: Node): boolean {
    const node = withoutTypes(object)
    return (node.type === 'Identifier' && this.#isImported(node)) || this.isValue(node)
  }

  #isImported(identifier: { readonly name: string } & Node): boolean {
    if (plain.has(identifier.name)) return false
    const variable = findVariable(this.#sourceCode, identifier, identifier.name)
    return variable !== null && isImported(variable)
  }

  #isVariable(identifier: { readonly name: string } & Node): boolean {
    const variable = findVariable(this.#sourceCode, identifier, identifier.name)
    if (variable === null || variable.defs.length !== 1 || this.#followed.has(variable))
      return false
    this.#followed.add(variable)
    const [definition] = variable.defs
    if (definition === undefined) return false
    const { node, name } = definition
    if (definition.type === 'Parameter') return this.#hasType(name)
    if (definition.type !== 'Variable' || node.type !== 'VariableDeclarator') return false
    if (node.id.type !== 'Identifier') return false
    if (this.#hasType(node.id)) return true
    const constant = node.parent.type === 'VariableDeclaration' && node.parent.kind !== 'let'
    return constant && node.init !== null && this.isValue(node.init)
  }

  /** A field of the class around it, which has an initial value or a type of Tasktree. */
  #isField(member: ESTree.MemberExpression): boolean {
    if (member.object.type !== 'ThisExpression') return false
    const field = findMember(member)
    if (field?.type !== 'PropertyDefinition') return false
    return this.#hasType(field) || (field.value !== null && this.isValue(field.value))
  }

  /** Whether the type that is written at a declaration is imported from Tasktree. */
  #hasType(declared: object): boolean {
    const { typeAnnotation } = declared as {
      typeAnnotation?: ESTree.TSTypeAnnotation | null
    }
    const type = typeAnnotation?.typeAnnotation
    if (type?.type !== 'TSTypeReference' || type.typeName.type !== 'Identifier') return false
    return this.#isImported(type.typeName)
  }
}
