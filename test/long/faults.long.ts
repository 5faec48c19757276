// The suite of faults on a real cluster, in the short form that CI has time for: `npm run test:faults` is all of it.
import '../faults/faults.long.ts';
