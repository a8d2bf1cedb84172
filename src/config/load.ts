import { readFileSync } from 'node:fs';
import { parse } from 'dotenv';
import { MinerError } from '../errors.ts';
import { displayEndpoints, displayValue, mayHoldKey } from '../net/display-endpoint.ts';
import type { SettingFlags } from './flags.ts';
import { nearest } from './nearest.ts';
import { metaOf, SETTING_KEYS, type SettingKey, type Settings, settingsSchema } from './schema.ts';

/** Where a value came from, for `config` and for errors. */
export interface Origin {
  readonly source: 'flag' | 'environment' | 'file' | 'alias' | 'default';
  /** The flag, variable or file that named it. */
  readonly name: string;
}

export interface LoadedSettings {
  readonly settings: Settings;
  readonly origins: ReadonlyMap<SettingKey, Origin>;
  /** Sentences for the operator: unknown keys, sources that disagree. */
  readonly warnings: readonly string[];
}

interface Candidate extends Origin {
  readonly value: string;
}

interface Sources {
  readonly flags: Pick<SettingFlags, 'settings'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The settings file; undefined if none is read (development mode). */
  readonly file: { readonly path: string; readonly values: Readonly<Record<string, string>> } | undefined;
}

/**
 * Reads a settings file in the dotenv format. It is data: no shell runs it.
 * @throws MinerError CONFIG_FILE_MISSING
 */
export function readSettingsFile(path: string): Record<string, string> {
  try {
    return parse(readFileSync(path));
  } catch (error) {
    throw new MinerError('CONFIG_FILE_MISSING', `the settings file ${path} cannot be read`, { cause: error });
  }
}

/**
 * The settings in effect: flag, then process environment, then file, then `BT_*` alias, then default. An empty value
 * counts as absent, so a line of the template that is left blank keeps its default. A `ws://` address under a name of
 * NETWORK is a CHAIN_ENDPOINT from the same source, as in the SDK; NETWORK then comes from another source, or from the
 * address.
 * @throws MinerError CONFIG_INVALID with a line for each bad key
 */
export function loadSettings(sources: Sources): LoadedSettings {
  const warnings = unknownKeyWarnings(sources);
  const raw: Partial<Record<SettingKey, string>> = {};
  const origins = new Map<SettingKey, Origin>();
  for (const key of SETTING_KEYS) {
    const candidates = candidatesFor(key, sources);
    const winner = candidates[0];
    origins.set(key, winner ?? { source: 'default', name: 'default' });
    if (winner === undefined) continue;
    raw[key] = winner.value;
    const loser = candidates.find((candidate) => candidate.value !== winner.value);
    if (metaOf(key).warnOnConflict === true && loser !== undefined) {
      warnings.push(
        `${key}: ${winner.name} says "${shown(key, winner.value)}", ${loser.name} says "${shown(key, loser.value)}"; the first is used`,
      );
    }
  }
  refuseKeyInFlag(origins.get('CHAIN_ENDPOINT'), raw.CHAIN_ENDPOINT);
  const parsed = settingsSchema.safeParse(raw);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const key = String(issue.path[0]) as SettingKey;
      return `${key}="${shown(key, raw[key] ?? '')}" (${origins.get(key)?.name}): ${issue.message}`;
    });
    throw new MinerError('CONFIG_INVALID', [...new Set(lines)].join('\n'));
  }
  return { settings: parsed.data, origins, warnings };
}

/** A value as it may be shown: the address of a node without the part that may be a key. */
function shown(key: SettingKey, value: string): string {
  const isEndpoint = key === 'CHAIN_ENDPOINT' || (key === 'NETWORK' && /[/\\?#@]/.test(value));
  return isEndpoint ? displayEndpoints(value) : displayValue(value);
}

/** Everybody on the host can read the arguments of a process, and pm2 keeps them on disk. */
function refuseKeyInFlag(origin: Origin | undefined, endpoints: string | undefined): void {
  if (origin?.source !== 'flag' || endpoints === undefined) return;
  if (!endpoints.split(',').some((url) => mayHoldKey(url.trim()))) return;
  throw new MinerError(
    'CONFIG_INVALID',
    `CHAIN_ENDPOINT="${displayEndpoints(endpoints)}" (${origin.name}): it may hold a key, and everybody on this host can read flags: put it into the settings file`,
  );
}

const RANKS: readonly Origin['source'][] = ['flag', 'environment', 'file', 'alias'];

/** Whether the address of a node stands for the name of a network, as the SDK allows. */
const isEndpoint = ({ value }: Candidate): boolean => /^wss?:\/\//i.test(value);

/** The values that were given for a setting; the first one counts. */
function candidatesFor(key: SettingKey, sources: Sources): Candidate[] {
  const own = valuesOf(key, sources);
  if (key === 'NETWORK') return own.filter((one) => !isEndpoint(one));
  if (key !== 'CHAIN_ENDPOINT') return own;
  // If both have the same source, CHAIN_ENDPOINT comes first: sorting keeps the order of equals.
  return [...own, ...valuesOf('NETWORK', sources).filter(isEndpoint)].sort(
    (one, other) => RANKS.indexOf(one.source) - RANKS.indexOf(other.source),
  );
}

/** The values under the names of a setting. */
function valuesOf(key: SettingKey, { flags, env, file }: Sources): Candidate[] {
  const all: Array<Candidate | undefined> = [
    candidate('flag', `flag of ${key}`, flags.settings.get(key)),
    candidate('environment', `environment ${key}`, env[key]),
    file && candidate('file', file.path, file.values[key]),
    ...(metaOf(key).aliases ?? []).map((alias) =>
      candidate('alias', alias, env[alias] ?? file?.values[alias]),
    ),
  ];
  return all.filter((one) => one !== undefined);
}

function candidate(source: Origin['source'], name: string, value: string | undefined): Candidate | undefined {
  const trimmed = value?.trim() ?? '';
  return trimmed === '' ? undefined : { source, name, value: trimmed };
}

function unknownKeyWarnings({ file }: Sources): string[] {
  if (file === undefined) return [];
  const known = new Set<string>(SETTING_KEYS.flatMap((key) => [key, ...(metaOf(key).aliases ?? [])]));
  return Object.keys(file.values)
    .filter((key) => !known.has(key) && !key.startsWith('BT_PW_'))
    .map((key) => {
      const guess = nearest(key, SETTING_KEYS);
      return `${file.path}: unknown key ${key}${guess === undefined ? '' : `; did you mean ${guess}?`}`;
    });
}
