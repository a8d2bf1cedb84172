import { describe, expect, it } from 'vitest';
import { flagsOf, parseFlags, toArguments } from '../../src/config/flags.ts';
import { SETTING_KEYS } from '../../src/config/schema.ts';

const settingsOf = (argv: string[]) => Object.fromEntries(parseFlags(argv).settings);

describe('the flags of the settings', () => {
  it.each(SETTING_KEYS.flatMap((key) => flagsOf(key).map((flag) => [flag, key] as const)))(
    '--%s sets %s',
    (flag, key) => {
      expect(settingsOf([`--${flag}`, 'some value'])).toEqual({ [key]: 'some value' });
      expect(settingsOf([`--${flag}=a=b`])).toEqual({ [key]: 'a=b' });
      expect(settingsOf([`--${flag}=`])).toEqual({ [key]: '' });
      expect(settingsOf([`--${flag}=-x`])).toEqual({ [key]: '-x' });
    },
  );

  it.each([
    ['no-force-validator-permit', { FORCE_VPERMIT: 'false' }],
    ['blacklist.force_validator_permit', { FORCE_VPERMIT: 'true' }],
    ['logging.debug', { LOGLEVEL: 'debug' }],
    ['logging.trace', { LOGLEVEL: 'trace' }],
    ['logging.info', { LOGLEVEL: 'info' }],
  ])('--%s needs no value', (flag, settings) => {
    expect(settingsOf([`--${flag}`])).toEqual(settings);
    expect(settingsOf([`--${flag}`, '--netuid', '7'])).toEqual({ ...settings, NETUID: '7' });
  });

  it('set a setting to the last of several values, in any spelling', () => {
    expect(settingsOf(['--axon.port', '1', '--axon-port=2'])).toEqual({ AXON_PORT: '2' });
    expect(settingsOf(['--no-force-validator-permit', '--force_validator_permit', 'true'])).toEqual({
      FORCE_VPERMIT: 'true',
    });
  });

  it('name development mode and the settings file', () => {
    expect(parseFlags([])).toEqual({ settings: new Map(), dev: false, settingsFile: undefined });
    expect(parseFlags(['--dev', '--settings', 'a'])).toMatchObject({ dev: true, settingsFile: 'a' });
    expect(parseFlags(['--settings=b'])).toMatchObject({ dev: false, settingsFile: 'b' });
  });

  it('are refused with the nearest known flag if they are unknown, and without what may be a key', () => {
    expect(() => parseFlags(['--axon.prot', '1'])).toThrow(
      /^unknown option '--axon\.prot'\n\(Did you mean --axon\.port\?\)/,
    );
    expect(() => parseFlags(['--subtensor.chain_endpont=wss://h/KEY'])).toThrow(
      /^unknown option '--subtensor\.chain_endpont'\n\(Did you mean --subtensor\.chain_endpoint\?\)(?!.*KEY)/s,
    );
    expect(() => parseFlags(['--logging.debug=1'])).toThrow("unknown option '--logging.debug'");
  });

  it.each([[['--netuid']], [['--wallet.name', '--dev']], [['--settings', '--dev']]])(
    'are refused if their value is missing: %j',
    (argv) => {
      expect(() => parseFlags(argv)).toThrow('argument missing');
    },
  );

  it('are the same after they have been written again', () => {
    const { settings } = parseFlags(['--wallet.name=-x', '--no-force-validator-permit']);
    expect(toArguments(settings)).toEqual(['--wallet-name=-x', '--force-vpermit=false']);
    expect(parseFlags(toArguments(settings)).settings).toEqual(settings);
  });
});
