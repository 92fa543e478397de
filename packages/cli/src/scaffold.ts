import { version } from './version.ts'

/** Texts of the files that `aimq init` lays out, by path. */
export type Files = Readonly<Record<string, string>>

const handler = `import { deadLetter, type Job } from '@aimq/worker'

/** Works the queue "emails": the name of the file is the name of the queue. */
export default async ({ payload, attempt, signal }: Job<{ to: string }>) => {
  // What cannot succeed is not tried again: it goes to emails_dlq, where \`aimq dlq show emails\` shows it.
  if (!payload.to?.includes('@')) return deadLetter({ reason: \`\${payload.to} is no address\` })
  // What throws is tried again, later and later. A job may run twice, so make it safe to; pass \`signal\` on to what can
  // be stopped, such as fetch.
  signal.throwIfAborted()
  console.log(\`dear \${payload.to} (attempt \${attempt})\`)
}
`

const envExample = `# Copy to .env (chmod 600 .env) and fill in. Without DATABASE_URL everything runs on the embedded PostgreSQL in .aimq.

# Supabase: the session pooler (port 5432) or the direct connection.
# DATABASE_URL=postgres://user:password@host:5432/postgres

# Wake-ups over LISTEN need a session: set this when DATABASE_URL goes through a transaction pooler (port 6543).
# DIRECT_URL=postgres://user:password@host:5432/postgres

# Wake-ups over Supabase Realtime.
# SUPABASE_URL=https://<project>.supabase.co
# SUPABASE_KEY=
`

const gitignore = `node_modules/
.aimq/
.env
`

const dockerfile = `# docker build -t jobs . && docker run --env-file production.env jobs
FROM node:24-slim
WORKDIR /app
COPY package.json package-lock.json* ./
# Without optional packages: they are the embedded PostgreSQL, which is for development.
RUN npm install --omit=dev --omit=optional
COPY handlers ./handlers
ENV NODE_ENV=production
# Docker kills ten seconds after SIGTERM. Jobs are to be handed back before that.
ENV AIMQ_GRACE_PERIOD_MS=8000
USER 1000:1000
ENTRYPOINT ["node_modules/.bin/aimq", "start", "handlers"]
`

const dockerignore = `*
!package.json
!package-lock.json
!handlers
`

export const projectFiles = (name: string): Files => ({
  'package.json': packageJson(name),
  'handlers/emails.ts': handler,
  '.env.example': envExample,
  '.gitignore': gitignore,
})

export const dockerFiles: Files = { Dockerfile: dockerfile, '.dockerignore': dockerignore }

function packageJson(name: string): string {
  const range = `^${version()}`
  const steps = (...names: string[]) => Object.fromEntries(names.map((step) => [`@aimq/${step}`, range]))
  const manifest = {
    name,
    private: true,
    type: 'module',
    scripts: { dev: 'aimq dev', start: 'aimq start handlers' },
    dependencies: steps('cli', 'events', 'queue', 'realtime', 'triggers', 'worker'),
    devDependencies: steps('embedded'),
  }
  return `${JSON.stringify(manifest, undefined, 2)}\n`
}
