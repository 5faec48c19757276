import { z } from 'zod';

/** Fields that many routes share. Limits of the chat itself are told by the server's answer, not here. */

const maxUint32 = 0xffff_ffff;

/** An id; numbers are taken as their decimal strings. */
export const id = (description: string) =>
  z
    .union([z.string().min(1), z.int()])
    .transform(String)
    .describe(description);

/** An id in the path or the query. */
export const idText = (description: string) => z.string().min(1).describe(description);

export const seq = (description: string) => z.int().min(0).describe(description);

export const msgId = (description: string) =>
  z
    .union([z.string().regex(/^\d{1,18}$|^[1-8]\d{18}$|^9[01]\d{17}$/), z.int().min(1)])
    .transform(BigInt)
    .describe(description);

export const count = (description: string) => z.int().min(0).max(maxUint32).describe(description);

/** A whole number in the path or the query. */
export const numberText = (description: string, max = Number.MAX_SAFE_INTEGER) =>
  z
    .preprocess(
      (text) => (typeof text === 'string' && /^\d{1,16}$/.test(text) ? Number(text) : text),
      z.int().min(0).max(max),
    )
    .describe(description);

/** `true` or `false` in the query. */
export const flagText = (description: string) =>
  z
    .preprocess((text) => (text === 'true' ? true : text === 'false' ? false : text), z.boolean())
    .describe(description);

export const page = {
  page_size: numberText('How many to answer with; 0 means the default.', maxUint32).optional(),
  page_token: z.string().optional().describe('From the previous page; absent for the first.'),
};

export const groupParams = z.object({ id: idText('The group.') });
export const conversationParams = z.object({ id: idText('The conversation.') });
