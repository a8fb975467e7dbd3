export type ScopeKind = 'cancelScope' | 'moveOnAfter' | 'failAfter' | 'shielded'
export type Catches = 'error' | 'cancel' | 'all'

/**
 * A statement of a program of scopes: its name, then its arguments. `trio/oracle.py` and `interpreter.ts` say what it does.
 * Scopes, groups and events have numbers; a number whose scope or group is not open makes the statement do nothing.
 */
export type Statement =
  | ['sleep', number]
  | ['checkpoint']
  | ['wait', number]
  | ['set', number]
  | ['scope', number, ScopeKind, number | null, boolean, Statement[]]
  | ['cancel', number]
  | ['probe', number]
  | ['shield', number, boolean]
  | ['deadline', number, number | null]
  | ['effective']
  | ['group', number, Statement[]]
  | ['spawn', number, Statement[]]
  | ['cancelGroup', number]
  | ['try', Statement[], Catches | null, Statement[], Statement[] | null]
  | ['raise', string]
  | ['reraise']
  | ['repeat', number, Statement[]]

/** A statement that holds no others. */
export type SimpleStatement = Exclude<
  Statement,
  ['scope' | 'group' | 'spawn' | 'try' | 'repeat', ...unknown[]]
>

/** A statement that neither holds others nor waits. */
export type Action = Exclude<SimpleStatement, ['sleep' | 'checkpoint' | 'wait', ...unknown[]]>

export interface ScopeProgram {
  seed: number
  body: Statement[]
  /** Whether the oracle answers even if little happens in the program. */
  dull?: boolean
  /** Whether times are so short that deadlines often coincide with other deadlines and with the ends of sleeps. */
  coincide?: boolean
}

/** By task: `main`, `main.1` for the first task that it made, and so on. */
export type Traces = Record<string, string[]>

export interface Recorded extends ScopeProgram {
  traces: Traces
}

/** What the oracle says when a program has no one right answer. */
export interface Dropped {
  seed: number
  dropped: string
}
