// Package flight reads the log of a registry's flight recorder (hostmgr.Config.Recorder), and
// judges what stands in it again: by the same policy, which must come to the same verdicts, or
// by another one, to see which would have been others.
//
// # Format
//
// The log is text, a line for each record: its kind, and then fields of the form key=value,
// where a value is a decimal integer or a string in double quotes, escaped as in Go, all in
// ASCII; and a semicolon, so that a line that was cut off is known. Times are nanoseconds since
// the registry was made, durations nanoseconds. A count beyond an int64 (an incarnation) stands as itself,
// or as the negative number that has the same 64 bits. Readers pass over empty lines, and over keys and
// kinds that they don't know; the version changes when what is known changes its meaning. Several
// logs in one file, one after the other, are read as such: each begins with an empty line, and
// one of kind begin. A last line without a newline was not written to its end, and is not read.
//
//	begin     version=1; start, when the registry was made (nanoseconds since 1970); policy
//	joined    at, id, life (the number of the join), interval, incarnation, zone
//	late      at, and the fields below: the host was heard again, after more than 1.5 intervals,
//	          or than the shadow would have put up with
//	left, evicted, replaced, forgotten
//	          at, and the fields below: a departure
//	held      at, id, life, interval; by, why the guard or Confirm put the eviction off
//	stall     at, when it was over; from; limit, the gap that it exceeded
//	gap       the same, of a stall for impatient hosts only (see hostmgr.Config.MaxGap), and given,
//	          the limit for all others
//	lost      at; records, how many could not be recorded before
//
//	id, life, interval
//	          as above
//	seen      the last sign of life before
//	patience  how much silence the policy granted before eviction; 0: silence never evicts
//	due       the first deadline that passed unheard, excused stalls included; none: none did
//	excused   how much of the silence was not counted, because nobody listened
//	held, since
//	          what held the host though it was due, and since when
//	mean, deviation, beats
//	          what was learned of its rhythm, where policies learn
//	deaf      since when nobody listened, if nobody did when it was over: a stall follows
//	listened  when the registry last knew that it listened: a host that was due after that
//	          was heard before any sweep could have evicted it
package flight
