export type ScopeKind = 'cancelScope' | 'moveOnAfter' | 'failAfter' | 'shielded'
export type Catches = 'error' | 'cancel' | 'all'

/**
 * A statement of a program of scopes: its name, then its arguments. `interpreter.ts` and `trio/oracle.py` show what it does.
 * A program names scopes, groups and events by number. If that scope or group is not open, the statement does nothing.
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

/** A statement that contains no other statements. */
export type SimpleStatement = Exclude<
  Statement,
  ['scope' | 'group' | 'spawn' | 'try' | 'repeat', ...unknown[]]
>

/** A statement that contains no other statements, and does not wait. */
export type Action = Exclude<SimpleStatement, ['sleep' | 'checkpoint' | 'wait', ...unknown[]]>

export interface ScopeProgram {
  seed: number
  body: Statement[]
  /** Whether the oracle answers even if little happens in the program. Otherwise it drops such a program. */
  dull?: boolean
  /** Whether times are so short that deadlines often coincide with other deadlines and with the ends of sleeps. */
  coincide?: boolean
}

/** The lines of each task. The key `main` is the main task, `main.1` the first task that it made, and so on. */
export type Traces = Record<string, string[]>

export interface Recorded extends ScopeProgram {
  traces: Traces
}

/** The oracle's answer when a program has several right traces, or is not worth comparing. `dropped` is the reason. */
export interface Dropped {
  seed: number
  dropped: string
}
