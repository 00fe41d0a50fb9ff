#!/usr/bin/env -S node --
// The `--` keeps Node 20 from taking `--env-file` behind the script's name for an option of its own.
import { runProgram } from './cli/errors.js';
import { buildProgram } from './cli/program.js';

// Exits rather than waits: after a failure a half-open connection must not keep a finished command alive.
process.exit(await runProgram(buildProgram(), process.argv));
