// Package flight reads the log of a registry's flight recorder (hostmgr.Config.Recorder) and
// replays it: a policy assesses each recorded silence again. The policy of the recording reaches
// the same verdicts. Another policy shows which verdicts would differ.
//
// The package does not write the log; hostmgr does. Its functions keep no state in the package and
// may be called concurrently, but one log must be read by one goroutine.
//
// # Format
//
// The log is text in ASCII, one line for each record. A line is the kind of the record, then fields
// of the form key=value, then a semicolon. The semicolon distinguishes a whole line from a line
// that was cut off. A value is a decimal integer, or a string in double quotes, escaped as in Go.
// Times are nanoseconds since the registry was made; durations are nanoseconds. A count beyond an
// int64 (an incarnation) is written as an unsigned number, or as the negative number with the same
// 64 bits.
//
// Readers ignore empty lines, and keys and kinds that they do not know. The version changes when a
// known key or kind changes its meaning or its name. One file may hold several logs, one after
// another: each begins with an empty line and a record of kind begin. A last line without a
// newline was not written to its end, and is not read.
//
//	begin     version=2; start, when the registry was made (nanoseconds since 1970); policy
//	joined    at, id, registration (the number of the join), interval, incarnation, zone
//	late      at, and the fields below: a contact after more than 1.5 intervals, or after more
//	          than the timeout of the shadow
//	left, evicted, replaced, forgotten
//	          at, and the fields below: a departure
//	held      at, id, registration, interval; by, why the eviction limit or Confirm put the eviction off
//	stall     at, its end; from, its begin; limit, the gap that it exceeded
//	gap       the same for a stall that counts for impatient hosts only (see
//	          hostmgr.Config.StallThreshold); given, the limit for all other hosts
//	lost      at; records, the number of records before this one that found no room
//
//	id, registration, interval (1152921504606846976 is hostmgr.Never)
//	          as above
//	last-contact
//	          the last contact before the silence; of a host that was not heard of since
//	          hostmgr.Registry.Restore, the time of Restore
//	timeout   the silence after which the policy evicts; 0: silence never evicts
//	due       the first deadline that passed without a contact, stalls included; missing: none passed
//	stalled   the part of the silence that does not count because of stalls
//	held, since
//	          what held the host though it was due, and since when
//	mean, deviation, count
//	          the history of the host's contacts, with a policy that needs one
//	stalled-since
//	          the begin of a stall that was not over at the end of the silence: its record follows
//	judgement why the embedder evicted the host, whatever its silence: see hostmgr.Registry.Evict;
//	          missing: silence did
//	last-sweep
//	          the latest sweep. A host that was due after it had a contact before any sweep could
//	          evict it
package flight
