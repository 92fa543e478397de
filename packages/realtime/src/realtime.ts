import {
  createService,
  Disposables,
  type Plugin,
  type PluginContext,
  queueNameOf,
  type RealtimeStatus,
  type Service,
  summarizeError,
  type WakeHealth,
  type WakePath,
} from '@aimq/events'
import { RealtimeError, realtimeErrorCodes } from './errors.ts'
import { encodeHint, type Hint } from './hint.ts'
import { HintMerger } from './hint-merger.ts'
import { listenSource } from './listen-source.ts'
import { type RealtimeOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { PeerHints } from './peer-hints.ts'
import { supabaseSource } from './supabase-source.ts'
import { type PathStatus, PathSupervisor } from './supervisor.ts'
import { UnneededQueues } from './unneeded-queues.ts'
import type { WakeSource } from './wake-source.ts'

/**
 * Says `job:enqueued` on the bus when somebody broadcasts, over LISTEN/NOTIFY, Supabase Realtime or both; and
 * `realtime:health-changed`, so that workers poll rarely only while wake-ups are proven to come through.
 *
 * Starting never fails for want of a connection: what cannot be opened now is tried again, and polling goes on.
 *
 * @throws `realtime/invalid-options` at once, with all faults
 */
export function realtime(options: RealtimeOptions): Plugin {
  const resolved = resolveOptions(options)
  return { name: 'realtime', create: (context) => createRealtime(resolved, context) }
}

function createRealtime(options: ResolvedOptions, { bus, logger, clock }: PluginContext): Service {
  const subscriptions = new Disposables()
  let sources: readonly WakeSource[] = []
  let supervisors: readonly PathSupervisor[] = []
  let health: WakeHealth = 'connecting'
  let hints = 0
  let ignored = 0
  /** The queues worked on this bus; undefined: none are known, every hint is passed on. */
  let queues: Set<string> | undefined

  const merger = new HintMerger({ clock, leader, emit })
  const unneeded = new UnneededQueues(clock, (names) => {
    for (const source of sources) source.setUnneeded?.(names)
  })
  const peers = new PeerHints(clock, (hint) => void broadcast(hint).catch(() => {}))

  function leader(): WakePath | undefined {
    let best: PathStatus | undefined
    for (const { status } of supervisors) {
      if (status.health !== 'healthy') continue
      if (best === undefined || (status.canaryMs ?? 0) < (best.canaryMs ?? 0)) best = status
    }
    return best?.path
  }

  function emit(path: WakePath, { queue, count, dueInMs }: Hint, { repeated } = { repeated: false }): void {
    hints++
    bus.emit('job:enqueued', {
      queue,
      ...(count === undefined ? {} : { count }),
      ...(dueInMs === undefined ? {} : { dueAt: clock.now() + dueInMs }),
      source: path,
      ...(repeated ? { repeated } : {}),
    })
  }

  function status(): RealtimeStatus {
    const paths = supervisors.map((supervisor) => {
      const { path, health, cause, canaryMs } = supervisor.status
      return {
        path,
        health,
        ...(cause === undefined ? {} : { cause }),
        ...(canaryMs === undefined ? {} : { canaryMs }),
      }
    })
    const causes = paths.flatMap(({ path, cause }) => (cause === undefined ? [] : [`${path}: ${cause}`]))
    const leads = leader()
    const overall =
      leads !== undefined
        ? 'healthy'
        : paths.some((path) => path.health === 'degraded')
          ? 'degraded'
          : 'connecting'
    return {
      health: overall,
      ...(overall === 'degraded' ? { cause: causes.join('; ') } : {}),
      ...(leads === undefined ? {} : { leader: leads }),
      paths,
      hints,
      ignored,
    }
  }

  function healthMayHaveChanged(): void {
    const now = status()
    if (now.health === health) return
    health = now.health
    bus.emit('realtime:health-changed', { health, ...(now.cause === undefined ? {} : { cause: now.cause }) })
  }

  /** Over every open path, because each has its own listeners. */
  async function broadcast(hint: Hint): Promise<WakePath[]> {
    const payload = encodeHint(hint)
    const sent = await Promise.allSettled(
      supervisors.map(async (supervisor) =>
        (await supervisor.send(payload)) ? supervisor.status.path : undefined,
      ),
    )
    const paths = sent.flatMap((result) =>
      result.status === 'fulfilled' && result.value !== undefined ? [result.value] : [],
    )
    if (paths.length > 0) return paths
    const refused = sent.flatMap((result) =>
      result.status === 'rejected' ? [summarizeError(result.reason).message] : [],
    )
    throw new RealtimeError(
      realtimeErrorCodes.noPath,
      `expected an open path to broadcast over, found none: ${[...refused, status().cause ?? 'still connecting'].join('; ')}`,
    )
  }

  function supervise(): PathSupervisor[] {
    sources = [
      ...(options.listen === undefined ? [] : [listenSource(options.listen, logger, clock)]),
      ...(options.supabase === undefined ? [] : [supabaseSource(options.supabase, logger)]),
    ]
    return sources.map(
      (source) =>
        new PathSupervisor({
          source,
          clock,
          logger,
          onHint: (path, hint) => {
            if (queues?.has(hint.queue) !== false) {
              merger.add(path, hint)
              return
            }
            ignored++
            if (path === 'listen') unneeded.foreign(hint.queue)
          },
          onNoise: () => void ignored++,
          onConnected: (path) => bus.emit('realtime:path-connected', { path }),
          onMissed: (path, missed) =>
            bus.emit('realtime:wakeups-missed', {
              path,
              ...(missed === undefined ? {} : { queues: missed }),
            }),
          onLost: (path, cause) => bus.emit('realtime:path-lost', { path, cause }),
          onHealth: healthMayHaveChanged,
        }),
    )
  }

  function listen(): void {
    const on: typeof bus.on = (...args) => subscriptions.add(bus.on(...args))
    on('worker:worker-started', (fact) => {
      queues = new Set(fact.queues)
      unneeded.worked(queues)
    })
    on('worker:wakeups-wanted', ({ queue, wanted }) => unneeded.wanted(queue, wanted))
    on('worker:worker-stopped', () => unneeded.worked([]))
    // The queue was out of reach: there may have been a failover, with our session left on the old primary.
    on('worker:queue-resumed', () => {
      for (const supervisor of supervisors) supervisor.prove()
    })
    on('worker:job-retried', ({ queue, delayMs }) => peers.add(queue, 1, delayMs))
    on('job:enqueued', ({ queue, count, source }) => {
      if (source === 'worker') peers.add(queue, count ?? 1, 0)
    })
    const handle: typeof bus.handle = (...args) => subscriptions.add(bus.handle(...args))
    handle('realtime:status', async () => status())
    handle('realtime:broadcast', async ({ queue, count, dueInMs }) => {
      const name = queueNameOf(queue)
      return {
        paths: await broadcast({
          queue: name,
          ...(count === undefined ? {} : { count }),
          ...(dueInMs === undefined ? {} : { dueInMs }),
        }),
      }
    })
  }

  return createService({
    name: 'realtime',
    async start() {
      health = 'connecting'
      if (bus.canRequest('worker:status')) {
        queues = new Set((await bus.request('worker:status', {})).queues.map(({ queue }) => queue))
      }
      supervisors = supervise()
      listen()
      for (const supervisor of supervisors) supervisor.start()
    },
    async stop() {
      peers.flushAll()
      subscriptions[Symbol.dispose]()
      merger.stop()
      await Promise.all(supervisors.map((supervisor) => supervisor.stop()))
      supervisors = []
      sources = []
      queues = undefined
      unneeded.stop()
      if (health === 'healthy') {
        // Whoever polls rarely because of us must know.
        bus.emit('realtime:health-changed', { health: 'degraded', cause: 'the realtime step was stopped' })
      }
      health = 'connecting'
    },
  })
}
