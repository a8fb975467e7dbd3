// What a recorded program did, in milliseconds since its start.

/** A wait of a task. */
export interface RecordedWait {
  readonly from: number
  to: number
  /** What the task waited for, as the task tree shows it. */
  readonly label: string
  /** Whether the task was being cancelled, so that the wait belongs to its clean-up. */
  readonly cleaning: boolean
}

/** Something that happened to a task at one moment. */
export interface RecordedMark {
  readonly at: number
  readonly kind: 'cancel' | 'deadline' | 'log'
  readonly text: string
}

/** A task, or a line of the timeline. */
export interface Lane {
  readonly id: number
  readonly name: string
  /** How many tasks are above this one: the task that created it, and so on. */
  readonly depth: number
  readonly begin: number
  end: number
  outcome: 'done' | 'cancelled' | 'failed'
  readonly waits: RecordedWait[]
  readonly marks: RecordedMark[]
}

/** A sentence about a task, or a wait, whose end is known later. The events are in the order in which they happened. */
export interface RecordedEvent {
  readonly at: number
  readonly task: string
  readonly text?: string
  readonly wait?: RecordedWait
}

export interface Recording {
  readonly lanes: readonly Lane[]
  readonly events: readonly RecordedEvent[]
  readonly end: number
  readonly isReal: boolean
}
