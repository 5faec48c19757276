const key = 'parley.notifications';

/** Whether notifications are wanted in this browser, which may end a subscription without anybody having asked for it. */
export function isWished(): boolean {
  try {
    return localStorage.getItem(key) !== null;
  } catch {
    // Storage is blocked: what the browser has ended is turned on again by hand.
    return false;
  }
}

export function wish(wanted: boolean): void {
  try {
    if (wanted) localStorage.setItem(key, 'on');
    else localStorage.removeItem(key);
  } catch {
    // See above.
  }
}
