/** The longest text of a message, in UTF-16 code units, as the server has it. */
export const maxTextLength = 20_000;
const warnWhenLeft = 1_000;

/** What to say about a text's length; nothing while the limit is far. */
export function textLeft(text: string): { label: string; over: boolean } {
  const left = maxTextLength - text.trim().length;
  if (left > warnWhenLeft) return { label: '', over: false };
  if (left >= 0) return { label: `${left.toLocaleString()} left`, over: false };
  return { label: `${(-left).toLocaleString()} too many`, over: true };
}
