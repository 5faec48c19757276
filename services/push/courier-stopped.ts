/** Thrown to those who wait for a delivery when its courier stops. */
export class CourierStopped extends Error {
  constructor(what: 'webhooks' | 'pushes') {
    super(`${what} are stopping`);
    this.name = 'CourierStopped';
  }
}
