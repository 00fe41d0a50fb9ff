#!/usr/bin/env node
import { runProgram } from './cli/errors.js';
import { buildProgram } from './cli/program.js';

// Exits rather than waits: after a failure a half-open connection must not keep a finished command alive.
process.exit(await runProgram(buildProgram(), process.argv));
