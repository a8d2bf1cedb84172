/** Scheme, host and port only. Anything else may be an access key, even if it is no URL. */
const HOST_ONLY = /^[a-z]+:\/\/(?:[\p{L}\p{N}._-]*|\[[0-9a-f:.]+\])(?::\d{1,5})?\/?$/iu;

/** Scheme, host and port of an endpoint. Its credentials, path, query and fragment may be access keys. */
export function displayEndpoint(url: string): string {
  // A URL drops line breaks and tabs. The text after one would become part of the host.
  const parsed = URL.canParse(url) && !/\s/.test(url) ? new URL(url) : undefined;
  const shown = `${parsed?.protocol}//${parsed?.host}`;
  return HOST_ONLY.test(shown) ? shown : '(not a URL)';
}

/** Whether an endpoint has more than scheme, host and port, so that it may hold an access key. */
export function mayHoldKey(url: string): boolean {
  return !HOST_ONLY.test(url);
}

/** A list of endpoints, separated by commas, for logs. `[hidden]` replaces each part that may be a key. */
export function displayEndpoints(list: string): string {
  // A password may contain a comma. Then any part of the list may be a key.
  const urls = list.split(',').map((url) => url.trim());
  if (!urls.every((url) => url === '' || /^[a-z]+:\/\//i.test(url))) return '[hidden]';
  return urls
    .map((url) => (url !== '' && mayHoldKey(url) ? `${displayEndpoint(url)}/[hidden]` : url))
    .join(',');
}

/** Any text from an operator, for logs. It may be an endpoint in the wrong place. */
export function displayValue(value: string): string {
  return /:[/\\]|wss?:/i.test(value) ? displayEndpoints(value) : value;
}
