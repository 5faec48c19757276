// The page's service worker: shows what the server pushes while no tab has a session. It caches nothing and answers no
// request of the page.
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('push', (event) => event.waitUntil(show(noticeOf(event.data))));
self.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(subscribeAgain(event)));
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.convId ?? ''));
});

/**
 * The browser has ended a subscription and may have made another one. The page tells the server of that when it is opened,
 * or looked at again; where the browser does not say what was ended, the page subscribes, too.
 */
async function subscribeAgain({ oldSubscription, newSubscription }) {
  if (oldSubscription && !newSubscription)
    await self.registration.pushManager.subscribe(oldSubscription.options);
}

/** Whatever was pushed, something is shown: a browser takes the permission from those who stay silent. */
function noticeOf(data) {
  try {
    const { title, body, badge, tag, data: facts } = data.json();
    return { title, body, badge, tag, convId: String(facts?.conv_id ?? '') };
  } catch {
    return { convId: '' };
  }
}

async function show({ title, body, badge, tag, convId }) {
  // Nothing that is shown waits for the number at the icon.
  if (Number.isInteger(badge)) self.navigator.setAppBadge?.(badge).catch(() => {});
  const tabs = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  // Who looks at the conversation sees it there.
  if (tabs.some(({ focused, url }) => focused && convId !== '' && url.endsWith(hashOf(convId)))) return;
  await self.registration.showNotification(text(title) || 'Parley', {
    body: text(body) || 'New message',
    tag: text(tag) || 'parley',
    // A newer one takes the place of one that is shown, and is heard again.
    renotify: true,
    icon: '/icon.svg',
    data: { convId },
  });
}

/** The tab that is there goes to the conversation; else a new one does. */
async function open(convId) {
  const tabs = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const tab = tabs.find(({ focused }) => focused) ?? tabs[0];
  if (tab === undefined) {
    await self.clients.openWindow(`/${hashOf(convId)}`);
    return;
  }
  tab.postMessage({ t: 'open', convId });
  await tab.focus();
}

/** Twin of app/route.ts. */
function hashOf(convId) {
  return convId === '' ? '#/' : `#/c/${encodeURIComponent(convId)}`;
}

function text(value) {
  return typeof value === 'string' ? value : '';
}
