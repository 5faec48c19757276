/** What the page's address shows when the page has not been built. */
export const notBuiltPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Parley: the page is not built</title>
<h1>The page is not built</h1>
<p>The server runs, and its WebSocket, REST and RPC doors are open, but there are no page files.
Build them with <code>npm run build</code>, then reload.</p>
`;
