import assert from 'node:assert/strict';
import { test } from 'node:test';
import { traceNowMs } from '../../core/trace-clock.ts';
import { messageStoreConformance } from '../../ports/message-store.conformance.ts';
import { batch, conversation, createDirect } from '../../ports/message-store-conformance/samples.ts';
import type { CommitStep } from '../../ports/message-store.ts';
import { EmbeddedFixture } from './testing/embedded-fixture.ts';

messageStoreConformance('the embedded store', () => EmbeddedFixture.open());

test('a commit tells whoever traces it of its parts, in their order, within the time that it takes', async () => {
  await using fixture = await EmbeddedFixture.open();
  const { store } = fixture;
  const steps: CommitStep[] = [];
  const onStep = (step: CommitStep) => void steps.push(step);
  const begunAtMs = traceNowMs();
  await store.commit({ ...batch(store, createDirect(conversation('d_talk'))), onStep });
  const endedAtMs = traceNowMs();
  assert.deepEqual(
    steps.map(({ name }) => name),
    ['seal', 'write'],
  );
  const [seal, write] = steps as [CommitStep, CommitStep];
  const times = [seal.startedAtMs, seal.endedAtMs, write.startedAtMs, write.endedAtMs];
  assert.deepEqual(
    times,
    times.toSorted((one, two) => one - two),
  );
  // Two threads read the wall's clock by themselves.
  assert.ok((times[0] as number) >= begunAtMs - 5 && (times[3] as number) <= endedAtMs + 5);
});
