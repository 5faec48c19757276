// A database that fails over to a replica that lagged, in the short form that CI has time for.
import '../faults/replica.long.ts';
