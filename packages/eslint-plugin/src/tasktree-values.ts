// Finds out from the text alone whether the value of an expression comes from Tasktree: a future, a task, or the result of a
// method of an object of Tasktree. The rules must work in oxlint, which gives a plugin no types. So this search follows an
// expression to the import that it comes from: `queue.get()` to `const queue = new Queue()`, and `Queue` to `@tasktree/sync`. An
// expression whose origin is not in the file counts as unknown, and the rules report nothing about it.
import type { ESTree, SourceCode, Variable } from '@oxlint/plugins'
import { exportOf, findVariable, isImported } from './imports.ts'
import { findAssigned, findMember } from './own-code.ts'
import { withoutTypes } from './without-types.ts'

type Node = ESTree.Node

/**
 * The functions of core that run a main function to its end. A cancel of the task that calls them does not reach that
 * function.
 */
const runs: ReadonlySet<string> = new Set(['explore', 'run', 'runMain', 'runVirtual'])

/** Functions of Tasktree that return a text or a boolean, and no future. */
const questions: ReadonlySet<string> = new Set(['formatTaskTree', 'isCancelled', 'isFuture'])

/** Whether the expression is a call that runs a main function to its end: `run(main)`, `core.run(main)`. */
export function makesRun(sourceCode: SourceCode, expression: Node): boolean {
  const call = withoutTypes(expression)
  if (call.type !== 'CallExpression') return false
  const called = exportOf(sourceCode, withoutTypes(call.callee))
  // `run` of @tasktree/subprocess runs a child process, and a cancel reaches it.
  return called !== null && runs.has(called.name) && /^@tasktree\/core(?:\/|$)/.test(called.source)
}

/**
 * Whether Tasktree makes the value of the expression: by a call of its functions or methods, or by `new` of its classes. A variable
 * or field whose written type is imported from Tasktree counts too.
 */
export function isTasktreeValue(sourceCode: SourceCode, expression: Node): boolean {
  return new Search(sourceCode).isValue(expression)
}

/** Whether the expression is an array whose written type says that its elements are of Tasktree. */
export function isTasktreeArray(sourceCode: SourceCode, expression: Node): boolean {
  return new Search(sourceCode).isArray(expression)
}

class Search {
  readonly #sourceCode: SourceCode
  /** The variables that this search has followed to their initial values. A variable that is made from itself has no origin. */
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
        const called = exportOf(this.#sourceCode, callee)
        if (called !== null) return !questions.has(called.name) && !makesRun(this.#sourceCode, node)
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

  /** Whether the methods of this object are Tasktree's: the object is a value, a class or a module of Tasktree. */
  #isObject(object: Node): boolean {
    const node = withoutTypes(object)
    return (node.type === 'Identifier' && this.#isImported(node)) || this.isValue(node)
  }

  #isImported(identifier: { readonly name: string } & Node): boolean {
    const variable = findVariable(this.#sourceCode, identifier, identifier.name)
    return variable !== null && isImported(this.#sourceCode, variable)
  }

  #isVariable(identifier: { readonly name: string } & Node): boolean {
    const variable = findVariable(this.#sourceCode, identifier, identifier.name)
    if (variable === null || variable.defs.length !== 1 || this.#followed.has(variable))
      return false
    this.#followed.add(variable)
    const [definition] = variable.defs
    if (definition === undefined) return false
    const { node, name } = definition
    if (definition.type === 'Parameter') {
      const byDefault = name.parent.type === 'AssignmentPattern' ? name.parent.right : null
      return this.#hasType(name) || (byDefault !== null && this.isValue(byDefault))
    }
    if (definition.type !== 'Variable' || node.type !== 'VariableDeclarator') return false
    if (node.id.type !== 'Identifier') return false
    if (this.#hasType(node.id)) return true
    // A variable that gets another value later may then be something else.
    if (variable.references.some((reference) => reference.isWrite() && !reference.init))
      return false
    return node.init !== null && this.isValue(node.init)
  }

  /** Whether the expression is `this.field`, and this class gives the field a value or a type of Tasktree, perhaps in the constructor. */
  #isField(member: ESTree.MemberExpression): boolean {
    if (member.object.type !== 'ThisExpression') return false
    const field = findMember(member)
    if (field?.type === 'MethodDefinition') return false
    if (field !== null && this.#hasType(field)) return true
    const declared = field?.type === 'PropertyDefinition' ? field.value : null
    const value = declared ?? findAssigned(member)
    return value !== null && this.isValue(value)
  }

  /** Whether the type that is written at a declaration is imported from Tasktree. */
  #hasType(declared: object): boolean {
    const type = typeAt(declared)
    return type !== null && this.#isImportedType(type)
  }

  /** Whether a type is a type of Tasktree, such as `core.Future<void>`, or a union of such a type with `null` or `undefined`. */
  #isImportedType(type: ESTree.TSType): boolean {
    if (type.type === 'TSUnionType') {
      return type.types
        .filter((each) => each.type !== 'TSNullKeyword' && each.type !== 'TSUndefinedKeyword')
        .every((each) => this.#isImportedType(each))
    }
    if (type.type !== 'TSTypeReference') return false
    const name = type.typeName.type === 'TSQualifiedName' ? type.typeName.left : type.typeName
    return name.type === 'Identifier' && this.#isImported(name)
  }

  /** Whether the written type of a variable, a parameter or a field is an array of something of Tasktree: `Task<void>[]`. */
  isArray(expression: Node): boolean {
    const node = withoutTypes(expression)
    let declared: object | null = null
    if (node.type === 'Identifier') {
      const name = findVariable(this.#sourceCode, node, node.name)?.defs[0]?.name ?? null
      // The type of a rest parameter, as in `...tasks: Task<void>[]`, is not written at its name.
      declared = name?.parent?.type === 'RestElement' ? name.parent : name
    } else if (node.type === 'MemberExpression' && node.object.type === 'ThisExpression') {
      declared = findMember(node)
    }
    const type = declared === null ? null : typeAt(declared)
    return type !== null && this.#isArrayType(type)
  }

  #isArrayType(type: ESTree.TSType): boolean {
    if (type.type === 'TSTypeOperator') return this.#isArrayType(type.typeAnnotation)
    if (type.type === 'TSArrayType') return this.#isImportedType(type.elementType)
    if (type.type !== 'TSTypeReference' || type.typeName.type !== 'Identifier') return false
    const element = type.typeArguments?.params[0]
    return arrays.has(type.typeName.name) && element !== undefined && this.#isImportedType(element)
  }
}

const arrays: ReadonlySet<string> = new Set(['Array', 'ReadonlyArray'])

/** Returns the type that is written at a declaration, or null if there is none. */
function typeAt(declared: object): ESTree.TSType | null {
  const { typeAnnotation } = declared as { typeAnnotation?: ESTree.TSTypeAnnotation | null }
  return typeAnnotation?.typeAnnotation ?? null
}
