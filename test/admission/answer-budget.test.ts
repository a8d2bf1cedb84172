import { describe, expect, it } from 'vitest';
import { createAnswerBudget } from '../../src/admission/answer-budget.ts';

const busy = expect.objectContaining({ code: 'AXON_BUSY' });

describe('the room for answers', () => {
  it('one caller gets at most half of the room for answers, over all its answers', () => {
    const budget = createAnswerBudget({ totalBytes: 1000 });
    budget.open('greedy').charge(300);
    const second = budget.open('greedy');
    expect(() => second.charge(201)).toThrow(busy);
    second.charge(200);
    budget.open('other').charge(500);
    expect(budget.status()).toEqual({ bytes: 1000, totalBytes: 1000 });
  });

  it('an answer is refused if the answers of all callers take all room', () => {
    const budget = createAnswerBudget({ totalBytes: 1000 });
    budget.open('first').charge(500);
    budget.open('second').charge(400);
    expect(() => budget.open('third').charge(101)).toThrow(busy);
    expect(() => budget.open('third').charge(100)).not.toThrow();
  });

  it('the room of an answer comes back once, however often its account is closed', () => {
    const budget = createAnswerBudget({ totalBytes: 1000 });
    const account = budget.open('caller');
    account.charge(200);
    account.charge(300);
    account.close();
    account.close();
    expect(budget.status().bytes).toBe(0);
    expect(() => budget.open('caller').charge(500)).not.toThrow();
  });

  it('a refused answer takes no room', () => {
    const budget = createAnswerBudget({ totalBytes: 1000 });
    const account = budget.open('caller');
    expect(() => account.charge(501)).toThrow(busy);
    account.close();
    expect(budget.status().bytes).toBe(0);
  });
});
