import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded, startRealtime } from '@aimq/embedded'
import pg from 'pg'
import { type SubjectName, subjectOf } from '../subjects/index.ts'
import type { Place } from '../subjects/subject.ts'
import { cpuOf, cpuOfTree, parentOf } from './cpu.ts'
import { startRedis } from './redis.ts'

/** What differs from PostgreSQL's defaults. Durability does not. */
export const serverSettings: Readonly<Record<string, string>> = {
  shared_buffers: '512MB',
  max_connections: '200',
}

/** The one PostgreSQL and the one Redis of a run. */
export interface Servers extends AsyncDisposable {
  readonly versions: Readonly<Record<string, string>>
  readonly hasRedis: boolean
  /** The subject's own database, made and prepared when first asked for. */
  place(subject: SubjectName): Promise<Place>
  /** CPU the subject's server has used, in microseconds; undefined where the system does not tell. */
  cpu(subject: SubjectName): number | undefined
  /** The same for the connections of one database only. */
  cpuOfDatabase(subject: SubjectName): Promise<number>
  /** Commands that Redis has answered so far; 0 without one. */
  redisCommands(): Promise<number>
}

export async function startServers(): Promise<Servers> {
  const dataDir = await mkdtemp(join(tmpdir(), 'aimq-bench-'))
  const postgres = await startEmbedded({ dataDir, temporary: true, settings: serverSettings })
  const redis = await startRedis()
  const admin = new pg.Pool({ connectionString: postgres.connectionString, max: 4 })
  const ask = async (text: string, values: unknown[] = []) => (await admin.query(text, values)).rows[0]
  const postmaster = parentOf((await ask('select pg_backend_pid() as pid')).pid)
  const places = new Map<SubjectName, Promise<Place>>()
  const realtimes: { stop(): Promise<void> }[] = []

  async function makePlace(subject: SubjectName): Promise<Place> {
    const database = databaseOf(subject)
    await admin.query(`create database ${database}`)
    const url = new URL(postgres.connectionString)
    url.pathname = `/${database}`
    const place: Place = { postgres: url.href, redisPort: redis?.port }
    if (subject !== 'aimq-realtime') {
      await subjectOf(subject).prepare(place)
      return place
    }
    const realtime = await startRealtime({ connectionString: url.href })
    realtimes.push(realtime)
    const whole = { ...place, realtime: { url: realtime.url, key: realtime.serviceRoleKey } }
    await subjectOf(subject).prepare(whole)
    return whole
  }

  return {
    versions: {
      PostgreSQL: (await ask('show server_version')).server_version,
      pgmq: (await ask(`select default_version from pg_available_extensions where name = 'pgmq'`))
        .default_version,
      ...(redis === undefined ? {} : { Redis: redis.version }),
    },
    hasRedis: redis !== undefined,
    place: (subject) => {
      const place = places.get(subject) ?? makePlace(subject)
      places.set(subject, place)
      return place
    },
    cpu: (subject) => {
      const root = subjectOf(subject).needsRedis ? redis?.pid : postmaster
      return root === undefined ? undefined : cpuOfTree(root)
    },
    cpuOfDatabase: async (subject) => {
      if (subjectOf(subject).needsRedis) return redis === undefined ? 0 : cpuOf([redis.pid])
      const { pids } = await ask(
        `select coalesce(array_agg(pid), '{}') as pids from pg_stat_activity where datname = $1`,
        [databaseOf(subject)],
      )
      return cpuOf(pids)
    },
    redisCommands: async () => (await redis?.commands()) ?? 0,
    async [Symbol.asyncDispose]() {
      for (const realtime of realtimes) await realtime.stop()
      await admin.end()
      await redis?.stop()
      await postgres.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

function databaseOf(subject: SubjectName): string {
  return `bench_${subject.replaceAll('-', '_')}`
}
