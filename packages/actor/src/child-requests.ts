import type { Future } from '@tasktree/core'
import type { ChildRef } from './child-ref.ts'
import { checkSpec, type ChildSpec } from './child-spec.ts'
import { AlreadyPresent, AlreadyStarted, ChildStateError, TooManyChildren } from './errors.ts'
import { type ExitReason, failure, shutdown } from './exit-reason.ts'
import type { Member } from './member.ts'
import type { SupervisorRun } from './supervisor.ts'

/** What callers ask of a supervisor. Each is an operation in its line. */

export function startChild(run: SupervisorRun, spec: ChildSpec): Future<ChildRef> {
  checkSpec(spec, run.options.autoShutdown)
  let member: Member | null = null
  return run.request(
    async () => {
      const holder = run.member(spec.id)
      if (holder?.running === true) throw new AlreadyStarted(spec.id, holder.slot.ref)
      if (holder !== undefined) throw new AlreadyPresent(spec.id)
      const { maxChildren = Infinity } = run.options
      if (run.size >= maxChildren) throw new TooManyChildren(run.path, maxChildren)
      member = run.addMember(spec, false)
      try {
        await run.launchMember(member)
      } catch (error) {
        run.removeMember(member, failure(error))
        throw error
      }
      return member.slot.ref
    },
    {
      undo: () => member?.slot.run?.abortStart(null),
      // It has just started, and who asked for it will never know: it has no owner.
      takeBack: () => {
        if (member !== null) void discard(run, member)
      },
    },
  )
}

function discard(run: SupervisorRun, member: Member): Future<void> {
  return run.request(async () => {
    if (run.member(member.slot.id) !== member) return
    member.stoppedByHand = true
    await run.stopForGood(member)
    run.removeMember(member, member.slot.lastExit ?? shutdown)
    run.slot.childSlots.delete(member.slot.id)
  })
}

export function stopChild(
  run: SupervisorRun,
  id: string,
  budget: number | undefined,
): Future<ExitReason> {
  return run.request(async () => {
    const member = find(run, id, 'stopChild')
    member.stoppedByHand = true
    if (budget !== undefined) {
      member.slot.run?.killAt(run.slot.home.loop.time() + budget)
    }
    await run.stopForGood(member)
    if (!run.keepsStopped(member.slot)) run.removeMember(member, shutdown)
    return member.slot.lastExit ?? shutdown
  })
}

export function restartChild(run: SupervisorRun, id: string): Future<ChildRef> {
  return run.request(
    async () => {
      const { slot } = await launchAgain(run, findStopped(run, id, 'restartChild'))
      return slot.ref
    },
    { undo: () => run.member(id)?.slot.run?.abortStart(null) },
  )
}

async function launchAgain(run: SupervisorRun, member: Member): Promise<Member> {
  try {
    await run.launchMember(member)
  } catch (error) {
    member.slot.close(failure(error))
    throw error
  }
  return member
}

export function deleteChild(run: SupervisorRun, id: string): Future<void> {
  // oxlint-disable-next-line typescript/require-await -- an operation is asynchronous
  return run.request(async () => {
    const member = findStopped(run, id, 'deleteChild')
    run.removeMember(member, member.slot.lastExit ?? shutdown)
    run.slot.childSlots.delete(id)
  })
}

function find(run: SupervisorRun, id: string, call: string): Member {
  const member = run.member(id)
  if (member === undefined) throw new ChildStateError(id, 'not-found', call)
  return member
}

function findStopped(run: SupervisorRun, id: string, call: string): Member {
  const member = find(run, id, call)
  if (member.running) throw new ChildStateError(id, 'running', call)
  if (member.slot.status === 'restarting') throw new ChildStateError(id, 'restarting', call)
  return member
}
