import type { DatabaseSync } from 'node:sqlite'
import type { JobRequest } from '../jobs/job.ts'

/**
 * What a schedule does about times that it has missed, because the server was down or jobs could not be added: no jobs,
 * one job, or a job for each time.
 */
export const missedPolicies = ['skip', 'once', 'all'] as const
export type MissedPolicy = (typeof missedPolicies)[number]

/** A schedule as a client asks for it. */
export interface ScheduleRequest {
  readonly name: string
  /** A cron pattern, or a number of milliseconds. */
  readonly spec: string
  /** The time zone of a cron pattern; null for the time zone of the server. */
  readonly zone: string | null
  readonly missed: MissedPolicy
  /** The job that the schedule adds at each time. */
  readonly request: JobRequest
}

/** A schedule as it is stored in the jobs' file. Times are `Date.now()` milliseconds. */
export interface Schedule extends ScheduleRequest {
  readonly createdAt: number
  /** The next time; null if the pattern has no further time. */
  readonly nextAt: number | null
  readonly lastAt: number | null
  /** The job that the schedule has added last. */
  readonly lastJob: number | null
}

/** Whether the times of a schedule are an interval in milliseconds, and not a cron pattern. */
export function isInterval(spec: string): boolean {
  return /^\d+$/.test(spec)
}

export function listSchedules(database: DatabaseSync): Schedule[] {
  const rows = database.prepare('SELECT * FROM schedules ORDER BY name').all()
  return rows.map((row) => {
    const request = JSON.parse(String(row['request'])) as JobRequest
    return Object.assign(row, { request }) as unknown as Schedule
  })
}

/** Adds a schedule, or changes the schedule of that name. */
export function putSchedule(
  database: DatabaseSync,
  { name, spec, zone, missed, request }: ScheduleRequest,
  nextAt: number | null,
): void {
  database
    .prepare(
      `INSERT INTO schedules (name, spec, zone, missed, request, createdAt, nextAt) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET spec = excluded.spec, zone = excluded.zone, missed = excluded.missed,
       request = excluded.request, nextAt = excluded.nextAt`,
    )
    .run(name, spec, zone, missed, JSON.stringify(request), Date.now(), nextAt)
}

/** Deletes a schedule. Returns whether there was one of this name. */
export function removeSchedule(database: DatabaseSync, name: string): boolean {
  return database.prepare('DELETE FROM schedules WHERE name = ?').run(name).changes > 0
}

/** Stores the next time of a schedule. `job` is the job that was added for the time `at`, or null if none was added. */
export function advanceSchedule(
  database: DatabaseSync,
  name: string,
  { nextAt, at, job }: { nextAt: number | null; at: number | null; job: number | null },
): void {
  database
    .prepare(
      `UPDATE schedules SET nextAt = ?, lastAt = coalesce(?, lastAt), lastJob = coalesce(?, lastJob) WHERE name = ?`,
    )
    .run(nextAt, at, job, name)
}
