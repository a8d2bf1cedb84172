import { describe, expect, it } from 'vitest';
import { parseSynapse, renderSynapse } from '../../src/synapse/envelope.ts';
import { synapseJson } from '../fixtures/dendrite.ts';
import { BOB } from '../fixtures/validator.ts';

const parse = (json: string) => parseSynapse(Buffer.from(json), 'ImageSynapse');

describe('the body of a synapse', () => {
  it('the body of a synapse comes apart into the media and the fields of the class', () => {
    const { media, fields } = parse(synapseJson('ImageSynapse', 'AAAA'));
    expect(media.toString()).toBe('AAAA');
    expect(fields).toMatchObject({ timeout: 9, testnet_label: -1, axon: { hotkey: BOB, port: 8091 } });
  });

  it('the body of a synapse loses a nonce that no JavaScript number can hold exactly', () => {
    const { fields } = parse(synapseJson('ImageSynapse', 'AAAA', 1_745_850_000_123_456_789n));
    expect(fields.dendrite).toMatchObject({ nonce: null, version: 9_003_000 });
  });

  it('the body of a synapse goes back with its prediction, and the media as it came', () => {
    const media = 'A'.repeat(10_000_000);
    const answer = JSON.parse(
      renderSynapse(parse(synapseJson('ImageSynapse', media)), [0.25, 0.5, 0.25]).toString(),
    );
    expect(answer).toMatchObject({ name: 'ImageSynapse', testnet_label: -1, prediction: [0.25, 0.5, 0.25] });
    expect(answer.image).toBe(media);
    expect(answer.dendrite).toMatchObject({ ip: '203.0.113.7', port: null, signature: null });
  });

  it('the body of a synapse may hold the media anywhere, also after other strings of its name', () => {
    const json = '{"a": ["image", {"image": "no"}], "b\\"": "image", "image" :\n"yes", "timeout": 1}';
    expect(parse(json).media.toString()).toBe('yes');
  });

  it('the body of a synapse may hold no media', () => {
    expect(parse('{}').media).toHaveLength(0);
    expect(parse('{"image": ""}').media).toHaveLength(0);
  });

  it.each([
    ['is not JSON', '{"image": "AAAA"'],
    ['is a list', '["image"]'],
    ['is empty', ''],
    ['has a number for media', '{"image": 1}'],
    ['has escapes in the media', '{"image": "AA\\u0041A"}'],
    ['names its media by an escape', '{"im\\u0061ge": "AAAA"}'],
    ['has media twice', '{"image": "AAAA", "image": "BBBB"}'],
    ['has a label that is none', '{"image": "AAAA", "testnet_label": "x"}'],
    ['has a terminal that is none', '{"image": "AAAA", "dendrite": 7}'],
    [
      'has a text of more than 1024 characters',
      `{"image": "AAAA", "dendrite": {"uuid": "${'x'.repeat(1_025)}"}}`,
    ],
    ['has NaN', '{"image": "AAAA", "prediction": NaN}'],
  ])('the body of a synapse is refused if it %s', (_, json) => {
    expect(() => parse(json)).toThrow(expect.objectContaining({ code: 'AXON_SYNAPSE_INVALID' }));
  });

  it.each([
    ['objects', `{"image": "AAAA", "x": [${'{},'.repeat(5_000_000)}1]}`],
    ['objects before the media', `{"x": [${'{},'.repeat(5_000_000)}1], "image": "AAAA"}`],
    ['a string', `{"x": "${'x'.repeat(5_000_000)}", "image": "AAAA"}`],
    ['brackets', '['.repeat(5_000_000)],
  ])('the body of a synapse is not parsed if %s make it large', (_, json) => {
    expect(() => parse(json)).toThrow(/65536 bytes/);
  });

  it('the body of a synapse costs no stack when it is nested deeply', () => {
    const { media } = parse(`{"x": ${'['.repeat(20_000)}${']'.repeat(20_000)}, "image": "AAAA"}`);
    expect(media.toString()).toBe('AAAA');
  });
});
