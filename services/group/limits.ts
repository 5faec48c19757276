import { Fault } from '../core/fault.ts';
import { groupIdProblem, idProblem, type ConvId, type UserId } from '../core/ids.ts';

export const defaultMaxMembers = 500;
export const largestMaxMembers = 100_000;
/**
 * Members that a group may ever have had, give or take what is decided at the same time: a group is read whole, with its
 * former members, whose history is theirs for good. Without a bound, whoever adds and removes invented users makes one that
 * no node can read.
 */
export const mostEverMembers = 2 * largestMaxMembers;
/** Of a group that development makes on first use. */
export const openGroupMaxMembers = 10_000;
/** Users that one change may name. */
export const maxUsersNamed = 1_000;
const maxNameLength = 100;

// Controls (C0, DEL, C1), the line and paragraph separators, and lone surrogates.
// biome-ignore lint/suspicious/noControlCharactersInRegex: naming them is the point.
const forbidden = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u;

export function groupIdFault(groupId: ConvId): Fault | undefined {
  const problem = groupIdProblem(groupId);
  return problem === undefined
    ? undefined
    : new Fault('invalidId', { field: 'group_id', message: `group_id ${problem}` });
}

export function nameFault(name: string): Fault | undefined {
  if (name.trim() === '') return invalid('name', 'is empty');
  if (name.length > maxNameLength) return invalid('name', `is longer than ${maxNameLength} characters`);
  return forbidden.test(name)
    ? invalid('name', 'contains a control character or a lone surrogate')
    : undefined;
}

export function userFault(user: UserId, field: string): Fault | undefined {
  const problem = idProblem(user);
  return problem === undefined
    ? undefined
    : new Fault('invalidId', { field, message: `${field} ${problem}` });
}

/** At most 1,000, each one a user id; naming one twice is no fault. */
export function usersFault(users: readonly UserId[], field: string): Fault | undefined {
  if (users.length > maxUsersNamed) return invalid(field, `names more than ${maxUsersNamed} users`);
  for (const [i, user] of users.entries()) {
    const fault = userFault(user, `${field}[${i}]`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

export function invalid(field: string, problem: string): Fault {
  return new Fault('invalidField', { field, message: `${field} ${problem}` });
}
