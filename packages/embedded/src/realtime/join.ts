import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { CheckError, checkRead } from './authorization.ts'
import { userBroadcast } from './broadcast.ts'
import { Channel, type ChannelConfig, type Policies } from './channel.ts'
import { type Context, maxJoinRecords } from './context.ts'
import { isFromServer } from './database.ts'
import { encode, type Incoming } from './frames.ts'
import { isObject, type JsonObject, parseLossless } from './json.ts'
import { parseReplay, type ReplayedRow, readReplay } from './replay.ts'
import type { Socket } from './socket.ts'
import type { Claims } from './tokens.ts'

export const topicPrefix = 'realtime:'
const unavailable = 'UnableToConnectToProject: Realtime was unable to connect to the project database'
const denied = (sub: string) =>
  `Unauthorized: You do not have permissions to read from this Channel topic: ${sub}`

/** Why a join is refused: the reason the client gets. */
class Refusal extends Error {}

export async function join(context: Context, socket: Socket, message: Incoming): Promise<void> {
  const { topic, ref, joinRef } = message
  const answer = (status: 'ok' | 'error', response: object) =>
    socket.send(
      encode(socket.version, { joinRef, ref, topic, event: 'phx_reply', payload: { status, response } }),
    )
  const params = isObject(message.payload) ? message.payload : {}
  const sub = topic.slice(topicPrefix.length)
  const config = parseConfig(params)
  let role: string | undefined
  const record = (reason: string | undefined) => {
    context.joins.push({ topic, private: config.private, role, reason })
    if (context.joins.length > maxJoinRecords) context.joins.shift()
  }
  try {
    if (sub === '') throw new Refusal('TopicNameRequired: You must provide a topic name')
    checkLimits(context, socket)
    if (context.options.privateOnly && !config.private)
      throw new Refusal('PrivateOnly: This project only allows private channels')
    const token = tokenOf(params, socket.token)
    const verdict = await context.tokens.verify(token)
    if (verdict.fault !== undefined) throw new Refusal(`${verdict.fault.code}: ${verdict.fault.message}`)
    role = verdict.claims.role
    if (asksForChanges(params)) {
      throw new Refusal(
        'RealtimeDisabledForConfiguration: this local server has broadcast and presence, but no postgres_changes',
      )
    }
    const policies = config.private ? await readPolicies(context, socket, sub, config, verdict.claims) : {}
    const replay = await replayFor(context, params, sub, config, policies)
    if (socket.isClosed) return
    const channel = new Channel({
      context,
      socket,
      topic,
      sub,
      joinRef,
      config,
      token,
      claims: verdict.claims,
      policies,
    })
    for (const { id } of replay) channel.replayed.add(id)
    socket.channels.set(topic, channel)
    record(undefined)
    answer('ok', { postgres_changes: [] })
    channel.open()
    afterJoin(channel, replay)
  } catch (thrown) {
    const reason = thrown instanceof Refusal ? thrown.message : 'Unknown Error on Channel'
    context.options.logger.warn({ topic, reason, cause: String(thrown) }, 'join refused')
    record(reason)
    await pause(context.options.joinErrorDelayMs, undefined, { ref: false })
    answer('error', { reason })
    if (reason.startsWith('ClientJoinRateLimitReached')) socket.close(1001)
  }
}

function afterJoin(channel: Channel, replay: readonly ReplayedRow[]): void {
  const { context, config } = channel
  if (config.presenceEnabled) pushPresenceState(channel)
  for (const row of replay) replayRow(channel, row)
  if (!config.replicationReady) return
  const timeoutMs = context.options.replicationReadyTimeoutMs
  const signal = AbortSignal.any([channel.closed, AbortSignal.timeout(timeoutMs)])
  context.backing.whenLive(signal).then(
    () => {
      if (!channel.closed.aborted) channel.system('ok', 'Replication connection established')
    },
    () => channel.shutDown('Replication connection was not established in time'),
  )
}

/** Who is there already. */
export function pushPresenceState(channel: Channel): void {
  if (channel.mayReadPresence)
    channel.push('presence_state', channel.context.hub.presence(channel)?.state() ?? {})
}

function replayRow(channel: Channel, row: ReplayedRow): void {
  const meta = { replayed: true, id: row.id }
  const { event } = row
  const { version } = channel.socket
  if (row.binaryPayload !== undefined) {
    const broadcast = { event, encoding: 'binary', payload: row.binaryPayload, meta } as const
    const frame = userBroadcast(channel.sub, broadcast).frame(version)
    if (frame !== undefined) channel.socket.send(frame)
    return
  }
  channel.push('broadcast', { payload: parseLossless(row.payload ?? 'null'), event, type: 'broadcast', meta })
}

function checkLimits(context: Context, socket: Socket): void {
  const { limits } = context.options
  context.joinRate.add(1)
  if (context.joinRate.isTripped()) throw new Refusal('ClientJoinRateLimitReached: Too many joins per second')
  if (limits.channelsPerSocket !== undefined && socket.channels.size >= limits.channelsPerSocket)
    throw new Refusal('ChannelRateLimitReached: Too many channels')
}

/** The token in the join counts, unless it is none: `sb_…` keys are not tokens. */
function tokenOf(params: JsonObject, connectToken: string): string {
  const own = params.user_token ?? params.access_token
  return typeof own === 'string' && !own.startsWith('sb_') ? own : connectToken
}

function parseConfig(params: JsonObject): ChannelConfig {
  const config = isObject(params.config) ? params.config : {}
  const broadcast = isObject(config.broadcast) ? config.broadcast : {}
  const presence = isObject(config.presence) ? config.presence : {}
  const key = presence.key
  return {
    private: isTrue(config.private),
    self: isTrue(broadcast.self),
    ack: isTrue(broadcast.ack),
    presenceKey: typeof key === 'string' && key !== '' ? key : randomUUID(),
    presenceEnabled: isTrue(presence.enabled),
    replicationReady: isTrue(broadcast.replication_ready),
  }
}

/** Some clients send booleans as text. */
function isTrue(value: unknown): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'true')
}

function asksForChanges(params: JsonObject): boolean {
  const changes = isObject(params.config) ? params.config.postgres_changes : undefined
  return Array.isArray(changes) && changes.some((change) => change !== null)
}

async function readPolicies(
  context: Context,
  socket: Socket,
  sub: string,
  config: ChannelConfig,
  claims: Claims,
): Promise<Policies> {
  const extensions = config.presenceEnabled ? (['broadcast', 'presence'] as const) : (['broadcast'] as const)
  let seen: Awaited<ReturnType<typeof checkRead>>
  try {
    seen = await checkRead(context.database, { sub, claims, headers: socket.headers }, extensions)
  } catch (thrown) {
    throw new Refusal(reasonOf(thrown, sub), { cause: thrown })
  }
  if (seen.broadcast !== true && seen.presence !== true) throw new Refusal(denied(sub))
  return {
    readBroadcast: seen.broadcast === true,
    ...(seen.presence === undefined ? {} : { readPresence: seen.presence }),
  }
}

function reasonOf(thrown: unknown, sub: string): string {
  const fault = thrown instanceof CheckError ? thrown.fault : 'unavailable'
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  switch (fault) {
    case 'unavailable':
      return unavailable
    case 'missing-partition':
      return 'MissingPartition: Realtime was unable to find the expected messages partition'
    case 'canceled':
      return `QueryCanceled: ${message}`
    case 'policy-error':
      return denied(sub)
  }
}

async function replayFor(
  context: Context,
  params: JsonObject,
  sub: string,
  config: ChannelConfig,
  policies: Policies,
): Promise<ReplayedRow[]> {
  const joinConfig = isObject(params.config) ? params.config : {}
  const broadcast = isObject(joinConfig.broadcast) ? joinConfig.broadcast : {}
  if (broadcast.replay === undefined || broadcast.replay === null) return []
  if (!config.private) throw new Refusal('UnableToReplayMessages: Replay is not allowed for public channels')
  if (policies.readBroadcast !== true) throw new Refusal(denied(sub))
  const wanted = parseReplay(broadcast.replay)
  if (wanted === 'invalid') throw new Refusal('UnableToReplayMessages: Replay params are not valid')
  try {
    return await readReplay(context.database, sub, wanted)
  } catch (cause) {
    const failed = 'UnableToReplayMessages: Realtime was unable to replay messages'
    throw new Refusal(isFromServer(cause) ? failed : unavailable, { cause })
  }
}
