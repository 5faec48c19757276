import { z } from 'zod';
import { option, type OptionTable } from '../core/config.ts';

/** For `parley admin`, which calls a running server. */
export const adminClientOptions = {
  server: option({
    env: 'PARLEY_ADMIN_SERVER',
    type: z.string(),
    default: 'http://127.0.0.1:9501',
    doc: 'Where `parley admin` and `parley revoke` find the server: the HTTP address of any edge.',
  }),
  token: option({
    env: 'PARLEY_ADMIN_TOKEN',
    type: z.string(),
    default: '',
    doc: 'The service token with the scope `admin` (and `tokens`, for `revoke`) that they show. Empty: they sign one themselves, with PARLEY_TOKEN_SECRET.',
    secret: true,
  }),
} satisfies OptionTable;
