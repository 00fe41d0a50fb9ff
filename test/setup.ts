/** What every test file needs before its first client: tests kill databases, and the driver's commands must not wait for ever on what is gone. */

import { endWritesOfClosedSockets } from '../src/store/sockets.js';

endWritesOfClosedSockets();
