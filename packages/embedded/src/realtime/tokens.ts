import { compactVerify, decodeProtectedHeader, errors, SignJWT } from 'jose'

export interface Claims {
  readonly role: string
  /** Seconds since 1970. */
  readonly exp: number
  readonly [claim: string]: unknown
}

/** A token that is not accepted: `code: message` is the reason a join gets, `message` alone what a channel is closed with. */
export interface TokenFault {
  readonly code: string
  readonly message: string
}

export type Verdict = { readonly claims: Claims; readonly fault?: undefined } | { readonly fault: TokenFault }

const algorithms = ['HS256', 'HS384', 'HS512']
/** 2100-01-01. Fixed, so that the two keys are the same in every process and after every start. */
const keyExpiry = 4_102_444_800

export interface Tokens {
  verify(token: string): Promise<Verdict>
  sign(claims: Readonly<Record<string, unknown>>, options: { expiresInSeconds: number }): Promise<string>
  /** A key for everybody (`anon`), or for a trusted server (`service_role`). */
  key(role: string): Promise<string>
}

export function createTokens(jwtSecret: string): Tokens {
  const secret = new TextEncoder().encode(jwtSecret)
  const sign = (claims: Readonly<Record<string, unknown>>, exp: number) =>
    new SignJWT({ ...claims, exp }).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(secret)
  return {
    verify: (token) => verify(token, secret),
    sign: (claims, { expiresInSeconds }) => sign(claims, Math.floor(Date.now() / 1000) + expiresInSeconds),
    key: (role) => sign({ iss: 'aimq-embedded', role }, keyExpiry),
  }
}

async function verify(token: string, secret: Uint8Array): Promise<Verdict> {
  let claims: Record<string, unknown>
  try {
    const { alg } = decodeProtectedHeader(token)
    if (!algorithms.includes(alg ?? ''))
      return fault(
        'JwtSignerError',
        'Failed to generate JWT signer, check your JWT secret or JWKS configuration',
      )
    const { payload } = await compactVerify(token, secret, { algorithms })
    claims = JSON.parse(new TextDecoder().decode(payload))
  } catch (thrown) {
    return thrown instanceof errors.JWSSignatureVerificationFailed
      ? fault('JwtSignatureError', 'Failed to validate JWT signature')
      : fault('MalformedJWT', 'The token provided is not a valid JWT')
  }
  if (typeof claims !== 'object' || claims === null) return missingClaims
  if (typeof claims.role !== 'string' || !Number.isInteger(claims.exp)) return missingClaims
  const checked = claims as Record<string, unknown> as Claims
  const age = Math.floor(Date.now() / 1000) - checked.exp
  return age >= 0 ? fault('InvalidJWTToken', `Token has expired ${age} seconds ago`) : { claims: checked }
}

const missingClaims = fault('InvalidJWTToken', 'Fields `role` and `exp` are required in JWT')

function fault(code: string, message: string): Verdict {
  return { fault: { code, message } }
}
