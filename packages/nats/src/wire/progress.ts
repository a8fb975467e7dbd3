/** The first byte of a message that reports the progress of a job. The value follows. Outcomes begin with smaller numbers. */
export const progressTag = 3
