/** The first byte of an answer that reports the progress of a job; the value follows. Outcomes begin with smaller numbers. */
export const progressTag = 3
