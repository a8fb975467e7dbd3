import * as actor from '@tasktree/actor'
import { expect, test } from 'vitest'

test('the package exports the names that are listed here', () => {
  expect(Object.keys(actor).toSorted()).toMatchInlineSnapshot(`
    [
      "Actor",
      "ActorContext",
      "ActorCrashed",
      "ActorRestarting",
      "ActorStopped",
      "ActorSystem",
      "AlreadyPresent",
      "AlreadyStarted",
      "AskCycle",
      "AskTimeout",
      "ChildRef",
      "ChildStateError",
      "FailedToStart",
      "LinkDied",
      "LocalActorRef",
      "MailboxFull",
      "NameTaken",
      "NoProc",
      "ReplyError",
      "ReplyPort",
      "ResourceRef",
      "RestartLimitError",
      "StaleIncarnation",
      "StashFull",
      "SupervisorRef",
      "SupervisorStopping",
      "TooManyChildren",
      "UnexpectedCancellation",
      "WorkerExit",
      "child",
      "consoleLogger",
      "deriveIdempotencyKey",
      "formatReason",
      "silentLogger",
      "spawn",
      "sys",
    ]
  `)
})
