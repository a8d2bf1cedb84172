import { readFileSync } from 'node:fs';
import { expandMetadata, Metadata, type PortableRegistry, TypeRegistry } from '@polkadot/types';
import type { SiLookupTypeId } from '@polkadot/types/interfaces';
import { describe, expect, it, vi } from 'vitest';
import { createRuntimeCodec, OWN_EXTENSIONS } from '../../../src/devnet/runtime/runtime-codec.ts';
import { NETUID } from '../../fixtures/devnet.ts';
import { connect, openDevnet, post, serveAxon } from '../fixture.ts';

describe('the metadata of the devnet', () => {
  it('polkadot.js accepts the metadata of the devnet without a warning', async () => {
    const written = (['log', 'warn', 'error'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation(() => {}),
    );
    const api = await connect(await openDevnet());
    const lines = written.flatMap((spy) => spy.mock.calls);
    for (const spy of written) spy.mockRestore();
    expect(lines).toEqual([]);
    expect(api.runtimeMetadata.version).toBe(15);
    expect(api.runtimeVersion.specName.toString()).toBe('node-subtensor');
    expect(api.runtimeVersion.specVersion.toNumber()).toBe(424);
  });

  it('the metadata of the devnet give the call bytes of finney', async () => {
    const api = await connect(await openDevnet());
    expect(serveAxon(api).method.toHex()).toBe(
      '0x07042200509e9800080808080000000000000000000000009b1f04040000',
    );
  });

  it('the metadata of the devnet exist in the older format too, which is the default', async () => {
    const answered = await post(await openDevnet(), 'state_getMetadata');
    const registry = new TypeRegistry();
    const metadata = new Metadata(registry, answered as `0x${string}`);
    expect(metadata.version).toBe(14);
    registry.setMetadata(metadata, undefined, OWN_EXTENSIONS);
    const tx = expandMetadata(registry, metadata).tx.subtensorModule?.serveAxon;
    expect(tx?.(NETUID, 10_002_000, 0x08080808n, 8091, 4, 4, 0, 0).toHex()).toBe(
      '0x07042200509e9800080808080000000000000000000000009b1f04040000',
    );
  });

  it('the metadata of the devnet name the signed extensions of finney, in order', async () => {
    const api = await connect(await openDevnet());
    const names = api.runtimeMetadata.asLatest.extrinsic.transactionExtensions.map(({ identifier }) =>
      identifier.toString(),
    );
    expect(names).toEqual([
      'CheckNonZeroSender',
      'CheckSpecVersion',
      'CheckTxVersion',
      'CheckGenesis',
      'CheckMortality',
      'CheckNonce',
      'CheckWeight',
      'ChargeTransactionPayment',
      'SudoTransactionExtension',
      'CheckShieldedTxValidity',
      'SubtensorTransactionExtension',
      'DrandPriority',
      'CheckMetadataHash',
    ]);
  });

  it('the genesis hash of the devnet never changes, and differs from that of finney', async () => {
    const first = await connect(await openDevnet());
    const second = await connect(await openDevnet({ netuid: 168, neurons: [] }));
    expect(first.genesisHash.toHex()).toBe(
      '0x6ba60d77807bfaf7d9f4065633bb419427539df0552a13a24f4c9120118dcabb',
    );
    expect(second.genesisHash.toHex()).toBe(first.genesisHash.toHex());
  });
});

/** Metadata of finney as its `state_getMetadata` or `Metadata_metadata_at_version` answers it, where somebody has it. */
const FINNEY_METADATA_FILE = process.env.FINNEY_METADATA_FILE;

/** A type with all that it is made of, as text; cases of enums as far as `cases` names them. */
function spell(
  lookup: PortableRegistry,
  id: SiLookupTypeId,
  like?: PortableRegistry,
  likeId?: SiLookupTypeId,
): string {
  const { def, path } = lookup.getSiType(id);
  const name = path.map(String).join('::');
  const other = like !== undefined && likeId !== undefined ? like.getSiType(likeId).def : undefined;
  if (def.isPrimitive) return def.asPrimitive.toString();
  if (def.isCompact) return `Compact<${spell(lookup, def.asCompact.type)}>`;
  if (def.isSequence) return `Vec<${spell(lookup, def.asSequence.type, like, other?.asSequence.type)}>`;
  if (def.isArray) return `[${spell(lookup, def.asArray.type)}; ${def.asArray.len.toString()}]`;
  if (def.isTuple) return `(${def.asTuple.map((part) => spell(lookup, part)).join(', ')})`;
  if (def.isComposite) {
    const fields = def.asComposite.fields.map(
      (field, index) =>
        `${field.name.toString()}: ${spell(lookup, field.type, like, other?.asComposite.fields[index]?.type)}`,
    );
    return `${name} {${fields.join(', ')}}`;
  }
  const kept = other?.asVariant.variants.map((variant) => variant.name.toString());
  const cases = def.asVariant.variants
    .filter((variant) => kept === undefined || kept.includes(variant.name.toString()))
    .map((variant) => {
      const own = other?.asVariant.variants.find((one) => one.name.eq(variant.name));
      const fields = variant.fields.map(
        (field, index) =>
          `${field.name.toString()}: ${spell(lookup, field.type, like, own?.fields[index]?.type)}`,
      );
      return `${variant.index.toString()} ${variant.name.toString()}(${fields.join(', ')})`;
    })
    .sort();
  return `${name} <${cases.join(' | ')}>`;
}

describe.skipIf(FINNEY_METADATA_FILE === undefined)(
  'the metadata of the devnet beside that of finney',
  () => {
    const devnet = new Metadata(new TypeRegistry(), createRuntimeCodec().metadata.v15).asV15;
    const finney = new Metadata(new TypeRegistry(), readFileSync(FINNEY_METADATA_FILE ?? '/dev/null'))
      .asLatest;
    const theirs = (id: SiLookupTypeId, own: SiLookupTypeId) => spell(finney.lookup, id, devnet.lookup, own);
    const ours = (id: SiLookupTypeId) => spell(devnet.lookup, id, devnet.lookup, id);

    it('the metadata of the devnet agree with finney in pallets, storage, calls, events, errors and constants', () => {
      for (const pallet of devnet.pallets) {
        const other = finney.pallets.find(({ name }) => name.eq(pallet.name));
        expect(other?.index.toNumber(), pallet.name.toString()).toBe(pallet.index.toNumber());
        for (const kind of ['calls', 'events', 'errors'] as const) {
          const own = pallet[kind].unwrapOr(undefined)?.type;
          const real = other?.[kind].unwrapOr(undefined)?.type;
          if (own !== undefined && real !== undefined) expect(theirs(real, own)).toBe(ours(own));
        }
        for (const constant of pallet.constants) {
          const real = other?.constants.find(({ name }) => name.eq(constant.name));
          expect(real?.value.toHex(), constant.name.toString()).toBe(constant.value.toHex());
        }
        for (const item of pallet.storage.unwrapOr(undefined)?.items ?? []) {
          const real = other?.storage.unwrap().items.find(({ name }) => name.eq(item.name));
          expect(real?.modifier.toString(), item.name.toString()).toBe(item.modifier.toString());
          expect(real?.fallback.toHex(), item.name.toString()).toBe(item.fallback.toHex());
          if (real === undefined || item.name.eq('Events')) continue;
          if (item.type.isPlain) {
            expect(theirs(real.type.asPlain, item.type.asPlain)).toBe(ours(item.type.asPlain));
            continue;
          }
          const [own, map] = [item.type.asMap, real.type.asMap];
          expect(map.hashers.map(String), item.name.toString()).toEqual(own.hashers.map(String));
          expect(theirs(map.key, own.key)).toBe(ours(own.key));
          expect(theirs(map.value, own.value)).toBe(ours(own.value));
        }
      }
    });

    it('the metadata of the devnet agree with finney in the extrinsic', () => {
      const [own, real] = [devnet.extrinsic, finney.extrinsic];
      expect(theirs(real.addressType, own.addressType)).toBe(ours(own.addressType));
      expect(theirs(real.signatureType, own.signatureType)).toBe(ours(own.signatureType));
      expect(own.signedExtensions.length).toBe(real.transactionExtensions.length);
      for (const [index, extension] of own.signedExtensions.entries()) {
        const other = real.transactionExtensions[index];
        if (other === undefined) continue;
        expect(other.identifier.toString()).toBe(extension.identifier.toString());
        expect(theirs(other.type, extension.type)).toBe(ours(extension.type));
        expect(theirs(other.implicit, extension.additionalSigned)).toBe(ours(extension.additionalSigned));
      }
    });

    it('the metadata of the devnet agree with finney in the runtime calls', () => {
      for (const api of devnet.apis) {
        for (const method of api.methods) {
          const real = finney.apis
            .find(({ name }) => name.eq(api.name))
            ?.methods.find(({ name }) => name.eq(method.name));
          expect(real, method.name.toString()).toBeDefined();
          if (real === undefined) continue;
          expect(theirs(real.output, method.output)).toBe(ours(method.output));
          expect(real.inputs.map(({ type }) => spell(finney.lookup, type))).toEqual(
            method.inputs.map(({ type }) => spell(devnet.lookup, type)),
          );
        }
      }
    });
  },
);
