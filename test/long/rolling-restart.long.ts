// Every node restarted in turn under load: short enough for CI as it is.
import '../faults/rolling-restart.long.ts';
