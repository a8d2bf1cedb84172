/** Scheme and host of an endpoint: credentials, path, query and fragment often hold access keys. */
export function displayEndpoint(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed === undefined ? '(not a URL)' : `${parsed.protocol}//${parsed.host}`;
}

/** Whether an endpoint has more than scheme, host and port, and so may hold an access key. */
export function mayHoldKey(url: string): boolean {
  return !/^[a-z]+:\/\/[^/?#@\s]*\/?$/i.test(url);
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
  return value.includes('://') ? displayEndpoints(value) : value;
}
