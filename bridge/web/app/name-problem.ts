// Controls, line separators and lone surrogates: what no user id may contain.
const forbidden = /[\p{Cc}\u2028\u2029]|\p{Surrogate}/u;

/** A name as it is sent: without blanks around, in the one normal form that ids have. */
export function tidyName(typed: string): string {
  return typed.trim().normalize('NFC');
}

/** Why a tidied name can't be a user's id; empty when it can. */
export function nameProblem(name: string): string {
  if (name === '') return 'Enter a name.';
  if (name.length > 64) return 'Names have at most 64 characters.';
  if (forbidden.test(name)) return 'Names can’t contain control characters.';
  return '';
}
