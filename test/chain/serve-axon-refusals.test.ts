import { describe, expect, it } from 'vitest';
import { RpcRefusal } from '../../src/chain/link/json-rpc.ts';
import { parsePoolRefusal, refusalNamed } from '../../src/chain/serve-axon-refusals.ts';

const CODES = [
  [6, 'RateLimitExceeded'],
  [10, 'HotKeyNotRegisteredInNetwork'],
  [11, 'InvalidIpAddress'],
  [12, 'ServingRateLimitExceeded'],
  [13, 'InvalidPort'],
  [255, 'BadRequest'],
] as const;

describe('a refusal of the transaction pool', () => {
  it.each(CODES)('%i is %s in the words of a node', (code, name) => {
    const error = new RpcRefusal(1010, 'Invalid Transaction', `Custom error: ${code}`);
    expect(parsePoolRefusal(error)).toMatchObject({ name });
  });

  it.each(CODES)('%i is %s in the JSON of a tool', (code, name) => {
    const inData = new RpcRefusal(1010, 'Invalid Transaction', { invalid: { custom: code } });
    const inMessage = new RpcRefusal(1010, `1010: {"invalid":{"custom":${code}}}`, undefined);
    const inText = new RpcRefusal(1010, 'Invalid Transaction', `{"invalid":{"custom":${code}}}`);
    for (const error of [inData, inMessage, inText]) expect(parsePoolRefusal(error)).toMatchObject({ name });
  });

  it('a refusal has the meaning of its rule', () => {
    for (const [, name] of CODES) expect(refusalNamed(name).words).not.toContain(name);
  });

  it('a refusal by an unknown rule keeps its number', () => {
    const error = new RpcRefusal(1010, 'Invalid Transaction', 'Custom error: 77');
    expect(parsePoolRefusal(error)?.words).toContain('77');
  });

  it('other errors are no refusal', () => {
    const stale = new RpcRefusal(1010, 'Invalid Transaction', 'Transaction is outdated');
    const other = new RpcRefusal(-32000, 'Custom error: 12', undefined);
    for (const error of [stale, other, new Error('Custom error: 12')]) {
      expect(parsePoolRefusal(error)).toBeUndefined();
    }
  });
});
