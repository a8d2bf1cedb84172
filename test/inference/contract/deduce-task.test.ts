import { describe, expect, it } from 'vitest';
import { deduceTask } from '../../../src/inference/contract/deduce-task.ts';

const tensor = (name: string, shape: readonly (number | string)[]) => ({ name, type: 'float32', shape });
const picture = tensor('pixels', ['N', 3, 224, 224]);
const clip = tensor('clip', ['N', 16, 3, 224, 224]);
const classes = tensor('logits', ['N', 3]);
const mask = tensor('mask', ['N', 1, 64, 64]);

describe('the task of a model', () => {
  it.each([
    ['an input of five dimensions', [clip], [classes], 'video'],
    ['an output with the shape of a mask', [picture], [mask], 'mask'],
    ['pictures and numbers', [picture], [classes], 'image'],
    ['nothing at all', [], [], 'image'],
  ])('the task is deduced from %s', (_, inputs, outputs, task) => {
    expect(deduceTask(undefined, inputs, outputs).task).toBe(task);
  });

  it('model.json decides the task', () => {
    expect(deduceTask({ task: 'video' }, [picture], [classes])).toEqual({
      task: 'video',
      reason: 'model.json says so',
    });
    expect(deduceTask({ output: { kind: 'mask' } }, [picture], [tensor('flat', ['h', 'w'])]).task).toBe(
      'mask',
    );
  });

  it('if there are several outputs, the task is deduced from the one that is the answer', () => {
    expect(deduceTask({ output: { name: 'mask' } }, [picture], [classes, mask]).task).toBe('mask');
    expect(deduceTask({ output: { name: 'logits' } }, [picture], [classes, mask]).task).toBe('image');
    expect(deduceTask({ output: { name: 'mask', kind: 'logits' } }, [picture], [mask]).task).toBe('image');
  });
});
