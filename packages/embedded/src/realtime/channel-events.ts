import { CheckError, checkRead, checkWrite, type Extension } from './authorization.ts'
import { textBroadcast, userBroadcast } from './broadcast.ts'
import type { Channel } from './channel.ts'
import type { Incoming } from './frames.ts'
import { pushPresenceState } from './join.ts'
import { isObject } from './json.ts'

/** What a client says on a channel it has joined. Anything not listed here is ignored, without an answer. */
export async function handleEvent(channel: Channel, message: Incoming): Promise<void> {
  if (message.event === 'broadcast') await broadcast(channel, message)
  else if (message.event === 'presence') await presence(channel, message)
  else if (message.event === 'access_token') await accessToken(channel, message)
  else if (message.event === 'phx_leave') {
    channel.reply(message.ref, 'ok')
    channel.sendClose()
  } else
    channel.context.options.logger.debug({ topic: channel.topic, event: message.event }, 'unexpected event')
}

async function broadcast(channel: Channel, message: Incoming): Promise<void> {
  const { hub, options } = channel.context
  if (!(await mayWrite(channel, 'broadcast'))) return
  const { push, payload } = message
  const size = push?.payload.length ?? Buffer.byteLength(JSON.stringify(payload) ?? '')
  if (size > (options.limits.payloadBytes ?? Number.POSITIVE_INFINITY)) {
    if (channel.config.ack) channel.reply(message.ref, 'error')
    return
  }
  const outgoing = push === undefined ? textBroadcast(channel.sub, payload) : userBroadcast(channel.sub, push)
  hub.publish(channel, outgoing, channel.config.self ? undefined : channel)
  if (channel.config.ack) channel.reply(message.ref, 'ok')
}

/** Asked of the database at the first write, then remembered until the token changes. */
async function mayWrite(channel: Channel, extension: Extension): Promise<boolean> {
  if (!channel.private) return true
  const { policies } = channel
  const known = extension === 'broadcast' ? policies.writeBroadcast : policies.writePresence
  if (known !== undefined) return known
  try {
    const allowed = await checkWrite(channel.context.database, channel.request, extension)
    if (extension === 'broadcast') policies.writeBroadcast = allowed
    else policies.writePresence = allowed
    return allowed && !channel.closed.aborted
  } catch (thrown) {
    logFault(channel, thrown, 'write policy could not be asked')
    return false
  }
}

async function presence(channel: Channel, message: Incoming): Promise<void> {
  const { hub, options } = channel.context
  const payload = isObject(message.payload) ? message.payload : {}
  const event = payload.event
  if (typeof event !== 'string') return channel.reply(message.ref, 'ok')
  if (!channel.presenceCalls.allows()) return channel.shutDown('Client presence rate limit exceeded')
  if (event.toLowerCase() === 'untrack') {
    channel.reply(message.ref, 'ok')
    return hub.pushPresence(channel, hub.presence(channel)?.untrack(channel))
  }
  if (event.toLowerCase() !== 'track') return channel.reply(message.ref, 'error')
  if (channel.private && channel.policies.readPresence === undefined) await askPresenceRead(channel)
  if (!(await mayWrite(channel, 'presence'))) return refusedTrack(channel, message.ref)
  const tracked = payload.payload ?? {}
  if (!isObject(tracked))
    return channel.reply(message.ref, 'error', { reason: 'Presence track payload must be a map' })
  if (Buffer.byteLength(JSON.stringify(tracked)) > (options.limits.payloadBytes ?? Number.POSITIVE_INFINITY))
    return channel.shutDown('Track message size exceeded')
  const diff = hub.presence(channel)?.track(channel, channel.config.presenceKey, tracked)
  channel.reply(message.ref, 'ok')
  if (!channel.presenceEnabled) {
    channel.presenceEnabled = true
    pushPresenceState(channel)
  }
  hub.pushPresence(channel, diff)
}

/** Supabase answers a refused track with an error that has no reason. */
function refusedTrack(channel: Channel, ref: string | null): void {
  if (!channel.closed.aborted) channel.reply(ref, 'error')
}

async function askPresenceRead(channel: Channel): Promise<void> {
  try {
    const seen = await checkRead(channel.context.database, channel.request, ['presence'])
    channel.policies.readPresence = seen.presence === true
  } catch (thrown) {
    logFault(channel, thrown, 'read policy of presence could not be asked')
  }
}

/** A new token: everything it allows is asked again. Never answered. */
async function accessToken(channel: Channel, message: Incoming): Promise<void> {
  const token = isObject(message.payload) ? message.payload.access_token : undefined
  if (typeof token !== 'string' || token.startsWith('sb_') || token === channel.token) return
  const verdict = await channel.context.tokens.verify(token)
  if (channel.closed.aborted) return
  if (verdict.fault !== undefined) return channel.shutDown(verdict.fault.message)
  const before = channel.policies
  channel.token = token
  channel.claims = verdict.claims
  if (channel.private) {
    const asked =
      before.readPresence === undefined ? (['broadcast'] as const) : (['broadcast', 'presence'] as const)
    try {
      const seen = await checkRead(channel.context.database, channel.request, asked)
      channel.policies = {
        readBroadcast: seen.broadcast === true,
        ...(seen.presence === undefined ? {} : { readPresence: seen.presence }),
      }
    } catch (thrown) {
      logFault(channel, thrown, 'read policy could not be asked')
      return channel.shutDown(closingMessage(channel, thrown))
    }
    if (channel.closed.aborted) return
    const { readBroadcast, readPresence } = channel.policies
    if (readBroadcast !== true && readPresence !== true)
      return channel.shutDown(`You do not have permissions to read from this Channel topic: ${channel.sub}`)
    if ((before.readBroadcast && !readBroadcast) || (before.readPresence && !readPresence))
      return channel.shutDown(`You no longer have permission to read from this Channel topic: ${channel.sub}`)
  }
  channel.armExpiry()
}

function closingMessage(channel: Channel, thrown: unknown): string {
  const fault = thrown instanceof CheckError ? thrown.fault : 'unavailable'
  if (fault === 'canceled') return 'Query was cancelled, please try again'
  return fault === 'policy-error'
    ? `You do not have permissions to read from this Channel topic: ${channel.sub}`
    : 'Realtime was unable to connect to the project database'
}

function logFault(channel: Channel, thrown: unknown, message: string): void {
  channel.context.options.logger.warn({ topic: channel.topic, cause: String(thrown) }, message)
}
