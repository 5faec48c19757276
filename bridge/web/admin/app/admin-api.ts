import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { connectUnary } from '../../../../sdk/connect-unary.ts';
import { ChatError } from '../../../../sdk/types.ts';

const answerWithinMs = 15_000;
/** A replay of dead letters takes up to 50 s by itself. */
const longWithinMs = 60_000;

/** The server's calls for administrators, by the Connect protocol. Rejects with a ChatError. */
export class AdminApi {
  readonly #token: string;
  /** Told once the token is not good any more. */
  readonly #refused: (why: string) => void;

  constructor(token: string, refused: (why: string) => void) {
    this.#token = token;
    this.#refused = refused;
  }

  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    { long = false } = {},
  ): Promise<MessageShape<O>> {
    const call = {
      baseUrl: '',
      headers: { authorization: `Bearer ${this.#token}` },
      timeoutMs: long ? longWithinMs : answerWithinMs,
      fetch,
      init: { cache: 'no-store', credentials: 'omit' },
    } as const;
    try {
      return await connectUnary(call, method, request);
    } catch (error) {
      if (error instanceof ChatError && endsSession(error)) this.#refused(error.reason);
      throw error;
    }
  }
}

function endsSession({ reason }: ChatError): boolean {
  return ['tokenInvalid', 'tokenExpired', 'tokenRevoked', 'tokenMissing'].includes(reason);
}
