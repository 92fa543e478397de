import type { Bus } from './bus.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { Service } from './service.ts'

/** All that a plugin is given. Other plugins it reaches over the bus, or not at all. */
export interface PluginContext {
  readonly bus: Bus
  readonly logger: Logger
  readonly clock: Clock
}

/** What `queue(options)`, `worker(options)` and their like return, and `bus.use` takes. */
export interface Plugin<S extends Service = Service> {
  readonly name: string
  /** Makes the service. Does no I/O and reads no environment: that is for the service's `start`. */
  create(context: PluginContext): S
}
