/** Scheme, host and port, and nothing beside them. All else may be an access key, also if it is no URL at all. */
const HOST_ONLY = /^[a-z]+:\/\/(?:[\p{L}\p{N}._-]*|\[[0-9a-f:.]+\])(?::\d{1,5})?\/?$/iu;

/** Scheme and host of an endpoint: credentials, path, query and fragment often hold access keys. */
export function displayEndpoint(url: string): string {
  // A URL leaves out line breaks and tabs, so that what follows one would become a part of the host.
  const parsed = URL.canParse(url) && !/\s/.test(url) ? new URL(url) : undefined;
  const shown = `${parsed?.protocol}//${parsed?.host}`;
  return HOST_ONLY.test(shown) ? shown : '(not a URL)';
}

/** Whether an endpoint has more than scheme, host and port, and so may hold an access key. */
export function mayHoldKey(url: string): boolean {
  return !HOST_ONLY.test(url);
}

/** A list of endpoints, separated by commas, as it may be shown: `[hidden]` stands for what may be a key. */
export function displayEndpoints(list: string): string {
  // A comma may stand in a password, too: then no part of the list can be told from a key.
  const urls = list.split(',').map((url) => url.trim());
  if (!urls.every((url) => url === '' || /^[a-z]+:\/\//i.test(url))) return '[hidden]';
  return urls
    .map((url) => (url !== '' && mayHoldKey(url) ? `${displayEndpoint(url)}/[hidden]` : url))
    .join(',');
}

/** Any text that a person gave, which may be an endpoint in the wrong place, as it may be shown. */
export function displayValue(value: string): string {
  return /:[/\\]|wss?:/i.test(value) ? displayEndpoints(value) : value;
}
