import { EventEmitter } from 'eventemitter3'
import { type Clock, systemClock } from './clock.ts'
import type { FactName, Facts, RequestInput, RequestName, RequestOutput } from './contract.ts'
import { EventsError, eventsErrorCodes, summarizeError } from './errors.ts'
import { consoleLogger, type Logger } from './logger.ts'
import type { Plugin } from './plugin.ts'
import type { Service } from './service.ts'

export type FactListener<Name extends FactName> = (fact: Facts[Name]) => unknown

export type RequestHandler<Name extends RequestName> = (
  input: RequestInput<Name>,
  options: { readonly signal?: AbortSignal },
) => Promise<RequestOutput<Name>>

/** Where packages meet. Facts have any number of listeners, requests exactly one answerer. */
export interface Bus extends AsyncDisposable {
  /** Says that something happened. Returns after all listeners were called; none of them can throw into the caller. */
  emit<Name extends FactName>(name: Name, fact: Facts[Name]): void
  /** Listens until disposed, or until `signal` aborts. */
  on<Name extends FactName>(
    name: Name,
    listener: FactListener<Name>,
    options?: { signal?: AbortSignal },
  ): Disposable
  /** Listens for one fact. */
  once<Name extends FactName>(
    name: Name,
    listener: FactListener<Name>,
    options?: { signal?: AbortSignal },
  ): Disposable
  /** Whether anybody listens: lets a hot path skip making a fact that nobody wants. */
  hasListeners(name: FactName): boolean
  /**
   * Asks the one answerer.
   *
   * @throws `events/no-handler` naming the package to install when nobody answers
   */
  request<Name extends RequestName>(
    name: Name,
    input: RequestInput<Name>,
    options?: { signal?: AbortSignal },
  ): Promise<RequestOutput<Name>>
  /** Becomes the answerer until disposed. Throws `events/already-handled` when there is one. */
  handle<Name extends RequestName>(name: Name, handler: RequestHandler<Name>): Disposable
  /** Whether somebody answers. */
  canRequest(name: RequestName): boolean
  /** Makes the plugin's service, starts it, and stops it when the bus stops. */
  use<S extends Service>(plugin: Plugin<S>): Promise<S>
  /** Lets all finish what they have in hand, then stops what `use` started, last first. `signal` ends the waiting. */
  stop(options?: { signal?: AbortSignal }): Promise<void>
}

export interface BusOptions {
  /** @default warnings and errors on stderr */
  readonly logger?: Logger
  /** @default the system's */
  readonly clock?: Clock
}

export function createBus(options: BusOptions = {}): Bus {
  const logger = options.logger ?? consoleLogger
  const clock = options.clock ?? systemClock
  // eventemitter3 keeps the listeners; calling them is ours, because its own `emit` lets a throw reach the emitter and
  // skips the listeners behind it.
  const listeners = new EventEmitter<Record<string, (fact: unknown) => unknown>>()
  const handlers = new Map<string, RequestHandler<RequestName>>()
  const services: Service[] = []

  function listenerFailed(fact: string, thrown: unknown): void {
    const error = summarizeError(thrown)
    logger.error({ fact, code: error.code }, `a listener of "${fact}" failed: ${error.message}`)
    if (fact !== 'bus:listener-failed') emit('bus:listener-failed', { fact, error })
  }

  function emit<Name extends FactName>(name: Name, fact: Facts[Name]): void {
    if (listeners.listenerCount(name) === 0) return
    for (const listener of listeners.listeners(name)) {
      try {
        const result: unknown = listener(fact)
        if (result instanceof Promise) result.catch((thrown) => listenerFailed(name, thrown))
      } catch (thrown) {
        listenerFailed(name, thrown)
      }
    }
  }

  function on<Name extends FactName>(
    name: Name,
    listener: FactListener<Name>,
    options: { signal?: AbortSignal } = {},
  ): Disposable {
    // A wrapper of its own, so that the same function listening twice is removed once.
    const call = (fact: unknown) => listener(fact as Facts[Name])
    const off = () => {
      listeners.off(name, call)
      options.signal?.removeEventListener('abort', off)
    }
    if (!options.signal?.aborted) {
      listeners.on(name, call)
      options.signal?.addEventListener('abort', off, { once: true })
    }
    return { [Symbol.dispose]: off }
  }

  function once<Name extends FactName>(
    name: Name,
    listener: FactListener<Name>,
    options?: { signal?: AbortSignal },
  ): Disposable {
    const subscription = on(
      name,
      (fact) => {
        subscription[Symbol.dispose]()
        return listener(fact)
      },
      options,
    )
    return subscription
  }

  function request<Name extends RequestName>(
    name: Name,
    input: RequestInput<Name>,
    options: { signal?: AbortSignal } = {},
  ): Promise<RequestOutput<Name>> {
    const handler = handlers.get(name) as RequestHandler<Name> | undefined
    try {
      if (handler === undefined) throw noHandler(name)
      return Promise.resolve(handler(input, options))
    } catch (thrown) {
      return Promise.reject(thrown)
    }
  }

  function handle<Name extends RequestName>(name: Name, handler: RequestHandler<Name>): Disposable {
    if (handlers.has(name)) {
      throw new EventsError(
        eventsErrorCodes.alreadyHandled,
        `expected one answerer of "${name}" on a bus, got a second; use one plugin of its kind, or a second bus`,
      )
    }
    const entry = handler as unknown as RequestHandler<RequestName>
    handlers.set(name, entry)
    return {
      [Symbol.dispose]: () => {
        if (handlers.get(name) === entry) handlers.delete(name)
      },
    }
  }

  async function use<S extends Service>(plugin: Plugin<S>): Promise<S> {
    if (services.some((service) => service.name === plugin.name)) {
      throw new EventsError(
        eventsErrorCodes.duplicatePlugin,
        `expected one plugin "${plugin.name}" on a bus, got a second; give it all its options at once, or use a second bus`,
      )
    }
    const service = plugin.create({ bus, logger, clock })
    services.push(service)
    try {
      await service.start()
    } catch (thrown) {
      services.splice(services.indexOf(service), 1)
      throw thrown
    }
    emit('bus:plugin-started', { plugin: plugin.name })
    return service
  }

  async function stop(options: { signal?: AbortSignal } = {}): Promise<void> {
    const failures: unknown[] = []
    const stopping = services.splice(0).reverse()
    // What a worker hands back, the steps above it still tell its peers: so all finish before any goes.
    for (const service of stopping) await service.beforeStop(options).catch((thrown) => failures.push(thrown))
    for (const service of stopping) {
      try {
        await service.stop(options)
        emit('bus:plugin-stopped', { plugin: service.name })
      } catch (thrown) {
        failures.push(thrown)
      }
    }
    if (failures.length > 0) {
      const messages = failures.map((thrown) => summarizeError(thrown).message).join('; ')
      throw new EventsError(eventsErrorCodes.stopFailed, `not everything stopped cleanly: ${messages}`, {
        cause: new AggregateError(failures),
      })
    }
  }

  const bus: Bus = {
    emit,
    on,
    once,
    hasListeners: (name) => listeners.listenerCount(name) > 0,
    request,
    handle,
    canRequest: (name) => handlers.has(name),
    use,
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
  return bus
}

function noHandler(name: string): EventsError {
  const owner = String(name).split(':')[0] ?? ''
  const remedy = /^(queue|worker|realtime|triggers)$/.test(owner)
    ? `install it and add its plugin: npm install @aimq/${owner}, then await bus.use(${owner}({ … }))`
    : `add a plugin that handles it`
  return new EventsError(eventsErrorCodes.noHandler, `nobody on this bus answers "${name}"; ${remedy}`)
}
