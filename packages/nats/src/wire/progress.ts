/** The first byte of a message that reports the progress of a job. The value follows. `outcome.ts` has the first bytes of outcomes. */
export const progressTag = 3
