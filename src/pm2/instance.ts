/** One of the miners that run under pm2 on this host. */
export interface Instance {
  /** Its name in pm2. */
  readonly name: string;
  /** How start_miner.sh is called for it. */
  readonly script: string;
  /** Its older names in pm2: before there were instances, each type of miner had a process. */
  readonly formerNames: readonly string[];
}

/**
 * An instance by its name, which start_miner.sh has checked.
 * @param name value of the variable INSTANCE; empty for the instance without a name
 */
export function instanceNamed(name: string): Instance {
  return name === ''
    ? { name: 'sn34-miner', script: './start_miner.sh', formerNames: ['sn34-detector', 'sn34-segmenter'] }
    : { name: `sn34-miner-${name}`, script: `./start_miner.sh --instance ${name}`, formerNames: [] };
}
