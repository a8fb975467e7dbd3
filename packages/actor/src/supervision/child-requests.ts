import type { Future } from '@tasktree/core'
import type { ChildRef } from '../children/child-ref.ts'
import { checkSpec } from '../children/check-spec.ts'
import type { ChildSpec } from '../children/child-spec.ts'
import { AlreadyPresent, AlreadyStarted, ChildStateError, TooManyChildren } from '../errors.ts'
import { type ExitReason, failure, shutdown } from '../exit-reason.ts'
import type { Member } from './member.ts'
import type { SupervisorIncarnation } from './supervisor.ts'

/**
 * The functions of this file perform the requests that callers make through a SupervisorRef. Each exported function
 * adds an operation to the queue of the supervisor, which performs one operation after the other.
 */

export function startChild(incarnation: SupervisorIncarnation, spec: ChildSpec): Future<ChildRef> {
  checkSpec(spec, incarnation.options.autoShutdown)
  let member: Member | null = null
  return incarnation.request(
    async () => {
      const holder = incarnation.member(spec.id)
      if (holder?.running === true) throw new AlreadyStarted(spec.id, holder.child.ref)
      if (holder !== undefined) throw new AlreadyPresent(spec.id)
      const { maxChildren = Infinity } = incarnation.options
      if (incarnation.size >= maxChildren) throw new TooManyChildren(incarnation.path, maxChildren)
      member = incarnation.addMember(spec, false)
      try {
        await incarnation.launchMember(member)
      } catch (error) {
        incarnation.removeMember(member, failure(error))
        throw error
      }
      return member.child.ref
    },
    {
      undo: () => member?.child.incarnation?.abortStart(null),
      // Called if the caller was cancelled in the same turn of the event loop in which the start of the child
      // succeeded. The caller never gets the ref, so no code would ever stop the child. So the child is stopped and
      // removed here.
      takeBack: () => {
        if (member !== null) discard(incarnation, member)
      },
    },
  )
}

/**
 * Stops and removes a child. No caller waits for this. If the supervisor ends first, the supervisor stops the child with
 * its other children.
 */
function discard(incarnation: SupervisorIncarnation, member: Member): void {
  incarnation.perform(async () => {
    if (incarnation.member(member.child.id) !== member) return
    member.stoppedByHand = true
    await incarnation.stopForGood(member)
    incarnation.removeMember(member, member.child.lastExit ?? shutdown)
    incarnation.child.specifiedChildren.delete(member.child.id)
  })
}

export function stopChild(
  incarnation: SupervisorIncarnation,
  id: string,
  budget: number | undefined,
): Future<ExitReason> {
  return incarnation.request(async () => {
    const member = find(incarnation, id, 'stopChild')
    member.stoppedByHand = true
    if (budget !== undefined) {
      member.child.incarnation?.killAt(incarnation.child.runtime.loop.time() + budget)
    }
    await incarnation.stopForGood(member)
    if (!incarnation.keepsStopped(member.child)) incarnation.removeMember(member, shutdown)
    return member.child.lastExit ?? shutdown
  })
}

export function restartChild(incarnation: SupervisorIncarnation, id: string): Future<ChildRef> {
  return incarnation.request(
    async () => {
      const { child } = await launchAgain(incarnation, findStopped(incarnation, id, 'restartChild'))
      return child.ref
    },
    { undo: () => incarnation.member(id)?.child.incarnation?.abortStart(null) },
  )
}

async function launchAgain(incarnation: SupervisorIncarnation, member: Member): Promise<Member> {
  try {
    await incarnation.launchMember(member)
  } catch (error) {
    member.child.close(failure(error))
    throw error
  }
  return member
}

export function deleteChild(incarnation: SupervisorIncarnation, id: string): Future<void> {
  // oxlint-disable-next-line typescript/require-await -- `request` takes an async function
  return incarnation.request(async () => {
    const member = findStopped(incarnation, id, 'deleteChild')
    incarnation.removeMember(member, member.child.lastExit ?? shutdown)
    incarnation.child.specifiedChildren.delete(id)
  })
}

function find(incarnation: SupervisorIncarnation, id: string, call: string): Member {
  const member = incarnation.member(id)
  if (member === undefined) throw new ChildStateError(id, 'not-found', call)
  return member
}

function findStopped(incarnation: SupervisorIncarnation, id: string, call: string): Member {
  const member = find(incarnation, id, call)
  if (member.running) throw new ChildStateError(id, 'running', call)
  if (member.child.status === 'restarting') throw new ChildStateError(id, 'restarting', call)
  return member
}
