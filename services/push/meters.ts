/** What webhooks came to, by endpoint. Endpoints are few, by configuration. */
export interface EndpointMeters {
  /** Told and acknowledged. */
  delivered: number;
  /** Attempts that failed, retried or not. */
  failedAttempts: number;
  /** Given up and kept. */
  deadLetters: number;
  /** Attempts under way, or that wait for their next one. */
  underWay: number;
}

export function endpointMeters(): EndpointMeters {
  return { delivered: 0, failedAttempts: 0, deadLetters: 0, underWay: 0 };
}
