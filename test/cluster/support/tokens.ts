import { type TokenScope, Tokens } from '../../../services/connection/token.ts';
import { systemClock } from '../../../services/core/clock.ts';

/** The secret that the nodes of a test's cluster verify tokens with. */
export const tokenSecret = 'the secret of the tokens of these tests';

const tokens = new Tokens([tokenSecret], systemClock);
const lifeSeconds = 3_600;

export async function userToken(userId: string): Promise<string> {
  return (await tokens.issueUser(userId, lifeSeconds)).token;
}

/** Of a service that may revoke tokens. */
export function deskToken(): Promise<string> {
  return serviceToken('tokens');
}

/** Of a service that may do what this scope says. */
export function serviceToken(scope: TokenScope): Promise<string> {
  return serviceTokenOf('desk', [scope]);
}

export async function serviceTokenOf(name: string, scopes: readonly TokenScope[]): Promise<string> {
  return (await tokens.issueService(name, scopes, lifeSeconds)).token;
}
