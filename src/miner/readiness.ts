// Decides whether the miner is ready, and words the reasons and warnings. /readyz, /status and the READY line use it.
import type { Readiness } from '../admin/server.ts';
import type { Engines } from '../answering/answerer.ts';
import type { Announcement } from '../chain/announcement.ts';
import type { Chain, ChainStatus } from '../chain/chain.ts';
import { describeValidators } from '../chain/validator-release.ts';
import type { Clock } from '../clock.ts';
import type { ReplayGuard } from '../epistula/replay-guard.ts';
import type { RequestLog } from '../telemetry/request-log.ts';
import { timeWords } from '../telemetry/time-words.ts';
import type { ClockCheck } from './clock-check.ts';
import type { HostCheck } from './host-check.ts';

/** The parts of a miner that readiness depends on. */
export interface ReadinessView {
  /** The port of the axon; undefined while it does not listen. */
  readonly axonPort: number | undefined;
  readonly engines: Engines;
  readonly chain: Chain;
  readonly replayGuard: Pick<ReplayGuard, 'trustsFromMs'>;
  readonly requests: Pick<RequestLog, 'summary'>;
  readonly hostCheck: Pick<HostCheck, 'warnings'>;
  readonly clockCheck: Pick<ClockCheck, 'status'>;
  readonly clock: Pick<Clock, 'now'>;
}

interface Findings {
  readonly reasons?: readonly string[];
  readonly warnings?: readonly string[];
}

/** Validators read the chain every 72 minutes at the latest and ask each miner every few minutes: two readings and a little more. */
const SILENCE_MS = 150 * 60_000;
const OFTEN_REPLACED = 3;

/**
 * Ready means that validators can find the miner and that it answers them. A reason says what keeps them from it. A warning
 * says what soon may, or what an operator should know.
 */
export function readinessOf(view: ReadinessView): Readiness {
  const status = view.chain.status();
  const findings = [
    view.axonPort === undefined ? { reasons: ['the axon does not listen'] } : {},
    ...Object.entries(view.engines).map(([task, engine]) => modelFindings(task, engine.status())),
    chainFindings(view.chain, status),
    registrationFindings(status),
    announcementFindings(view.engines, status),
    view.replayGuard.trustsFromMs > view.clock.now()
      ? {
          reasons: [
            'the memory of served requests was lost; requests are refused until they cannot be replays',
          ],
        }
      : {},
    { warnings: [...silence(view, status), ...release(status), ...view.hostCheck.warnings] },
    { warnings: [view.clockCheck.status().warning ?? []].flat() },
  ] satisfies Findings[];
  const reasons = findings.flatMap((found: Findings) => found.reasons ?? []);
  const warnings = findings.flatMap((found: Findings) => found.warnings ?? []);
  return { ready: reasons.length === 0, reasons, warnings };
}

function modelFindings(task: string, status: ReturnType<NonNullable<Engines['image']>['status']>): Findings {
  const { state, lastError, lastReload, missingFiles, recentRestarts } = status;
  const warnings: string[] = [];
  if (lastReload?.result === 'refused') {
    warnings.push(`the ${task} model on disk was refused at ${lastReload.at}: ${lastReload.detail}`);
  }
  if (missingFiles.length > 0) {
    warnings.push(`the ${task} model could not be loaded again: ${missingFiles.join(', ')} missing`);
  }
  if (recentRestarts >= OFTEN_REPLACED) {
    const last = lastError === undefined ? '' : `; the last time ${lastError}`;
    warnings.push(
      `the process of the ${task} model was replaced ${recentRestarts} times in the last hour${last}`,
    );
  }
  const why = lastError === undefined ? '' : `: ${lastError}`;
  return { warnings, reasons: state === 'ready' ? [] : [`the ${task} model is ${state}${why}`] };
}

function chainFindings({ signersKnown }: Chain, { connection, signers }: ChainStatus): Findings {
  const warnings: string[] = [];
  const reasons: string[] = [];
  if (connection.state === 'down') {
    const sentence = `the chain is away: ${connection.endpoint}: ${connection.reason}`;
    if (signersKnown) warnings.push(`${sentence}; the signer table of ${age(signers)} ago is used`);
    else reasons.push(sentence);
  }
  if (!signersKnown) {
    reasons.push(
      signers.ageMs === null
        ? 'the signer table has not been read from the chain'
        : `the signer table is ${age(signers)} old, more than SIGNERS_MAX_AGE_HOURS`,
    );
  }
  return { reasons, warnings };
}

/** The age of the signer table in words. */
function age({ ageMs }: ChainStatus['signers']): string {
  return timeWords(ageMs ?? 0);
}

function registrationFindings({ registration }: ChainStatus): Findings {
  switch (registration.state) {
    case 'registered':
      return {};
    case 'unregistered':
      return { reasons: ['the hotkey is not registered on the subnet'] };
    case 'deregistered':
      return {
        reasons: [`the hotkey was deregistered: its uid ${registration.formerUid} is no longer its own`],
      };
    case 'unknown':
      return { reasons: ['the registration of the hotkey was not read yet'] };
  }
}

/** Validators call the address that the chain holds, whichever software put it there. */
function announcementFindings(
  engines: Engines,
  { registration, announcement, heldAddress }: ChainStatus,
): Findings {
  if (registration.state !== 'registered' || announcement.state === 'announced') return {};
  const how = progress(announcement, engines);
  if (heldAddress === 'unread') {
    return { reasons: [`the address that the chain holds for this hotkey was not read yet: ${how}`] };
  }
  if (heldAddress === null) return { reasons: [`the axon is not announced: ${how}`] };
  const { ip, port, leadsHere, isForeign } = heldAddress;
  if (leadsHere === true) {
    if (isForeign) {
      return { warnings: [`other software announced this address with this hotkey: ${how}`] };
    }
    return { warnings: [`${ip}:${port} is announced, and ${renewalOf(announcement)}: ${how}`] };
  }
  if (isForeign) {
    return { reasons: [`${ip}:${port} was announced with this hotkey, not by this miner: ${how}`] };
  }
  const former =
    leadsHere === null
      ? `this miner announced ${ip}:${port} before, and its present address is not known`
      : `the chain still holds the former address ${ip}:${port}`;
  return { reasons: [`${former}: ${how}`] };
}

/** What happens with an entry of this miner that leads here; the entry of an earlier release is announced again. */
function renewalOf(announcement: Announcement): string {
  const isRenewed =
    announcement.state === 'submitted' || ('refusal' in announcement && !!announcement.refusal);
  return isRenewed ? 'will be announced again' : 'could not be read again';
}

function progress(announcement: Announcement, engines: Engines): string {
  switch (announcement.state) {
    case 'idle':
      return Object.values(engines).every(({ state }) => state === 'ready')
        ? 'the address of this host is being looked up'
        : 'the announcement waits for the models';
    case 'checking':
      return 'the entry of the chain is being read';
    case 'submitted':
      return 'the announcement is on its way';
    case 'announced':
      return 'announced';
    case 'waiting': {
      const { reason, refusal, untilBlock, untilMs } = announcement;
      const until =
        untilBlock !== undefined
          ? `; the next try is at block ${untilBlock}`
          : untilMs !== undefined
            ? `; the next try is at ${new Date(untilMs).toISOString()}`
            : '';
      return `${reason}${refusal === undefined ? '' : ` (${refusal})`}${until}`;
    }
    case 'failed': {
      const { reason, refusal, code, retryAtMs } = announcement;
      return `${reason} (${refusal ?? code}); the next try is at ${new Date(retryAtMs).toISOString()}`;
    }
  }
}

/** Warns of an announced address that nobody calls. */
function silence(
  { requests }: ReadinessView,
  { announcement, announcedForMs, weightsVersion }: ChainStatus,
): string[] {
  if (announcement.state !== 'announced') return [];
  const { ip, port } = announcement;
  const silentMs = Math.min(announcedForMs ?? 0, requests.summary().lastVerifiedAgeMs ?? Infinity);
  if (silentMs < SILENCE_MS) return [];
  const validators =
    weightsVersion === null
      ? 'which release validators run is not known'
      : describeValidators(weightsVersion);
  return [
    `no validator has called for ${timeWords(silentMs)}, and ${ip}:${port} is announced; ` +
      `test the port from another host: curl ${ip}:${port} prints 200; ${validators}`,
  ];
}

function release({ weightsVersion }: ChainStatus): string[] {
  return weightsVersion?.asksAxons === false ? [describeValidators(weightsVersion)] : [];
}
