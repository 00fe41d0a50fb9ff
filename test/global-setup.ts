/** Starts the run's MongoDB before any test file and tells the files where it is. */

import type { TestProject } from 'vitest/node';
import { openTestEngine } from './support/engine.js';

declare module 'vitest' {
  interface ProvidedContext {
    mongoUri: string;
    mongoReplicaSet: boolean;
  }
}

export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const engine = await openTestEngine();
  project.provide('mongoUri', engine.uri);
  project.provide('mongoReplicaSet', engine.replicaSet);
  console.log(`tests run against ${engine.description}`);
  return () => engine.close();
};
