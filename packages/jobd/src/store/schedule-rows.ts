import type { DatabaseSync } from 'node:sqlite'
import type { JobRequest } from '../jobs/job.ts'

/** What happens with the times of a schedule that passed while the server was down, or its jobs could not be added. */
export const missedPolicies = ['skip', 'once', 'all'] as const
export type MissedPolicy = (typeof missedPolicies)[number]

/** A schedule as a client asks for it. */
export interface ScheduleRequest {
  readonly name: string
  /** A cron pattern, or a number of milliseconds. */
  readonly spec: string
  /** The time zone of a cron pattern; null: the server's. */
  readonly zone: string | null
  readonly missed: MissedPolicy
  /** The job that it adds each time. */
  readonly request: JobRequest
}

/** A schedule as the file has it. Times are `Date.now()` milliseconds. */
export interface Schedule extends ScheduleRequest {
  readonly createdAt: number
  /** Null: its pattern has no further time. */
  readonly nextAt: number | null
  readonly lastAt: number | null
  /** The job that it added last. */
  readonly lastJob: number | null
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

/** Whether there was one. */
export function removeSchedule(database: DatabaseSync, name: string): boolean {
  return database.prepare('DELETE FROM schedules WHERE name = ?').run(name).changes > 0
}

/** Moves a schedule on to its next time. `job`: the number of the job that was added for `at`; null: no job was. */
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
