import type { TriggersClient } from '@aimq/triggers'

declare global {
  const triggers: TriggersClient
}
