import { getEventLoop } from '../context/current.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Reaction } from './reaction.ts'

/**
 * The reactions of a pending future: the objects that the loop runs when the future has ended, the oldest first.
 *
 * Nearly every future has no reaction or one, and a program may have a million futures. So a single reaction is stored
 * as it is, and a Set is made only for a second one. The functions of this file hide the three cases.
 */
export type ReactionSet = Reaction | Set<Reaction> | null

/**
 * Returns the set with `reaction` added: when the future that holds the set has ended, the loop will run `reaction`
 * too. The caller must store the returned set in place of `reactions`.
 */
export function addReaction(reactions: ReactionSet, reaction: Reaction): ReactionSet {
  if (reactions === null) return reaction
  if (reactions instanceof Set) return reactions.add(reaction)
  return new Set([reactions, reaction])
}

/**
 * Returns the set without `reaction`: when the future that holds the set has ended, the loop will not run `reaction`.
 * The caller must store the returned set in place of `reactions`.
 */
export function withoutReaction(reactions: ReactionSet, reaction: Reaction): ReactionSet {
  if (reactions === reaction) return null
  if (reactions instanceof Set) reactions.delete(reaction)
  return reactions
}

/**
 * Returns the only reaction of a future (a reaction is an object that the loop runs when the future has ended); null if
 * there is none, or if there are several.
 */
export function soleReaction(reactions: ReactionSet): Reaction | null {
  if (!(reactions instanceof Set)) return reactions
  return reactions.size === 1 ? (reactions.values().next().value ?? null) : null
}

export function listReactions(reactions: ReactionSet): Reaction[] {
  if (reactions === null) return []
  return reactions instanceof Set ? [...reactions] : [reactions]
}

/**
 * Called when the future of `reactions` has ended: puts each reaction in the ready queue of `loop`, the loop of the
 * future, so that the loop soon runs it.
 */
export function pushReactions(reactions: Reaction | Set<Reaction>, loop: EventLoop): void {
  if (reactions instanceof Set) for (const reaction of reactions) pushReaction(reaction, loop)
  else pushReaction(reactions, loop)
}

/**
 * Puts `reaction` in the ready queue of `loop`. If `loop` is closed, it runs nothing any more. Then the loop of the
 * waiting code runs the reaction: code of another loop, or of none, may wait for the future too.
 */
export function pushReaction(reaction: Reaction, loop: EventLoop): void {
  if (loop.isClosed()) (reaction.waitingFrame?.loop ?? getEventLoop()).push(reaction)
  else loop.push(reaction)
}
