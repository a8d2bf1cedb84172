/** Scheme and host of an endpoint: credentials, path, query and fragment often hold access keys. */
export function displayEndpoint(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  return parsed === undefined ? '(not a URL)' : `${parsed.protocol}//${parsed.host}`;
}

/** Whether an endpoint has more than scheme, host and port, and so may hold an access key. */
export function mayHoldKey(url: string): boolean {
  return !/^[a-z]+:\/\/[^/?#@\s]+\/?$/i.test(url);
}

/** A list of endpoints as it may be shown: each without what may be a key. */
export function displayEndpoints(list: string): string {
  return list
    .split(',')
    .map((url) => (mayHoldKey(url.trim()) ? `${displayEndpoint(url.trim())}/[hidden]` : url.trim()))
    .join(',');
}
