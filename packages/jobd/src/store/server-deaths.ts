/**
 * What happens to the jobs that were running when a server ended. A job that brings the server down would otherwise do
 * so at each start, so the jobs' file counts for each job how many times the server died while the job ran.
 */
import type { DatabaseSync } from 'node:sqlite'
import { keepAsLost } from './attempt-rows.ts'

/**
 * Called at the start of a server, in a transaction: jobs that are still in the state `running` ran when the last server
 * died. Counts the death for each of them. A job with `maxDeaths` deaths has failed, and every other job is queued again.
 */
export function settleDeaths(database: DatabaseSync, maxDeaths: number): void {
  loseAttempts(database, 'the server died')
  database.exec(`
    UPDATE jobs SET deaths = deaths + 1 WHERE state = 'running';
    UPDATE jobs SET state = 'queued' WHERE state = 'running' AND deaths < ${maxDeaths};
    UPDATE jobs SET state = 'failed', endedAt = ${Date.now()},
      error = 'lost with the server, which died during ' || deaths || ' of its attempts'
      WHERE state = 'running';
  `)
}

/** Called at the orderly end of a server, in a transaction: queues the running jobs again, and counts no death for them. */
export function requeueAtEnd(database: DatabaseSync): void {
  loseAttempts(database, 'the server was ended')
  database.exec(`UPDATE jobs SET state = 'queued' WHERE state = 'running'`)
}

/** Stores the running attempts as lost, with the reason. */
function loseAttempts(database: DatabaseSync, reason: string): void {
  database.prepare(keepAsLost(`state = 'running'`)).run(Date.now(), reason)
}
