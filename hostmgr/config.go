package hostmgr

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/hostlife/hostlife/clock"
)

const (
	minStallThreshold     = 10 * time.Millisecond
	defaultWorkers        = 8
	defaultCleanupTimeout = 30 * time.Second
)

// Config configures a Registry. The zero Config works. Most services set Policy, Cleanup and Logger,
// and large ones EvictionLimit, Pacing and MaxHosts.
//
// Cleanup, Confirm, Recorder and Logger are callbacks. They are called with no lock held and may
// call the registry. A callback that blocks, fails or panics stops neither sweeps nor heartbeats
// under Run, and Stats counts its failures. Without Run, Sweep and Leave run callbacks on other
// goroutines, and wait for them for a bounded time.
//
// Calls of Cleanup and Confirm have a time limit: CleanupTimeout and ConfirmTimeout. At the limit
// the context of the call ends, by Config.Clock. context.Cause of that context then wraps
// context.DeadlineExceeded, and its Err is context.Canceled. Its Deadline does not say the limit.
// The context also ends with the context of Run, Sweep or Leave, and when the call returns.
//
// A call that has not returned 10 s after its context ended is left behind: Stats counts it, the
// Logger gets a line, and its worker, or the Sweep or Leave that waits for it, goes on without it.
// Until a cleanup that was left behind returns, no other cleanup of its id begins. Then its result
// counts as usual. The answer of a Confirm that was left behind is ignored. At most 1024 calls of
// Cleanup and 8 of Confirm are left behind at a time. Beyond that, a cleanup keeps its place until
// another one returns, and Confirm is not called.
type Config[M any] struct {
	// Detection: when a host becomes suspect, and when it is evicted.

	// Policy says how much silence makes a host suspect, and how much evicts it. Nil means
	// Fixed(2).
	Policy Policy

	// EvictionLimit slows down evictions while too many hosts are missing at once. The zero
	// EvictionLimit holds no host.
	EvictionLimit EvictionLimit

	// Confirm is called before an eviction, and returns the hosts that may be evicted. It can send
	// a last probe, or ask another scheduler. Nil means that evictions need no confirmation.
	//
	// Confirm does not get hosts that the EvictionLimit holds. The other hosts wait in one queue.
	// Confirm gets those that have waited longest, up to 512 at a time, in one call at a time. It
	// does not get a host that is no longer due when its turn comes.
	//
	// A host that Confirm leaves out is held, and so is the whole batch if Confirm fails or panics.
	// A held host joins the back of the queue at its next check: within a second, or in the next
	// call of Sweep.
	//
	// Confirm runs on a goroutine of its own, with a context within that of Run. Without Run, Sweep
	// starts this goroutine and waits for it, and the context is within that of Sweep. A Sweep that
	// Confirm calls does not call Confirm.
	Confirm func(context.Context, []Host[M]) ([]Host[M], error)

	// ConfirmTimeout is the time limit of a call of Confirm. Zero means 10 s; negative is an error.
	//
	// At the limit the context of the call ends, Stats.Confirm.Timeouts counts it, and the Logger
	// gets a line. From then on the call is a failure, whatever it returns. So let a probe end
	// before that.
	//
	// When a call is left behind, its hosts are held, and Confirm is asked about them again in
	// their turn. A Sweep that left a call behind asks no more. While 8 calls are left behind, all
	// hosts that need Confirm are held until one of these calls returns.
	ConfirmTimeout time.Duration

	// Pacing advises each host an interval, by the number of hosts. The zero Pacing leaves each
	// host the interval that it announced.
	Pacing Pacing

	// Departure: what happens after a host has departed.

	// Cleanup frees what the embedder keeps for a departed host. It is repeated until it returns
	// nil. A panic counts as an error. Cleanups of one id run one at a time and in order. Nil means
	// that there is nothing to clean up. Forgotten hosts are not cleaned up.
	//
	// The longest pause before a try grows from 100 ms to 30 s. Each pause is a random part of it,
	// at least half, so that cleanups that failed together are not repeated together.
	//
	// While the cleanup of an id fails, was left behind, or waits for a call of While, at most 16
	// of the id stay pending. When one more comes, the oldest of them that does not run, and is not
	// the one that waits for While, is given up: Stats.Cleanup.GivenUp counts it, and the Logger
	// gets a line. Cleanups that only wait for their turn are never given up.
	//
	// Under Run, Cleanup runs on a worker of the registry, with a context within that of Run.
	// Without Run it runs on a goroutine that Leave or Sweep starts and waits for, with a context
	// within that of the call, after the host was removed. So do Evict and Drain. The cleanup of a
	// replaced host then waits for the next Sweep or Drain. A cleanup begins only when no function
	// of Registry.While runs for its registration.
	//
	// Cleanup may call the registry, with any context. Cleanups do not nest: within a Cleanup,
	// Sweep runs no cleanups, and Leave, Evict and Drain return ErrCleanupPending at once.
	Cleanup func(context.Context, Departure[M]) error

	// CleanupTimeout is the time limit of a call of Cleanup. Zero means 30 s; negative is an error.
	// At the limit the context of the call ends, Stats.Cleanup.Timeouts counts it, and the Logger
	// gets a line. The cleanup is repeated if it returns an error.
	CleanupTimeout time.Duration

	// CleanupWorkers is how many cleanups may run at a time under Run. Without Run it is how many
	// cleanups Sweeps and Drains may run at a time. Zero means 8; negative is an error. Cleanups
	// that are ready wait in one queue, retries included. The cleanup that has been ready longest
	// is next.
	CleanupWorkers int

	// Driving: time, stalls and size.

	// Clock is the time source. Nil means the system clock; in a testing/synctest bubble, the clock
	// of the bubble.
	//
	// The clock may step, but the registry's own time never goes back:
	//   - A step of the wall clock has no effect if readings have a monotonic part, as readings of
	//     the system clock do.
	//   - After a step back of up to a second, or up to StallThreshold if that is longer, the
	//     registry's time stands still until the clock has caught up.
	//   - After a longer step back it continues from the latest sweep, announce or leave. Contacts
	//     between that moment and the step count as later than they were, by at most the length of
	//     the step.
	//   - A step forward counts as time that passes, so it may be a stall. A step of more than 73
	//     years is ignored.
	//
	// A test moves a clock.Mock: see Run. Other fake clocks work too: those of
	// github.com/benbjohnson/clock, github.com/jonboulle/clockwork and k8s.io/utils/clock/testing,
	// and clocks that embed one. They do not wait until Run has swept, so Run may see the time of
	// several deadlines at once.
	//
	// The registry's time ends 137 years after New: then it stands still.
	Clock clock.Clock

	// StallThreshold is the longest gap between two sweeps that is normal. A longer gap is a stall:
	// the process was paused, the machine frozen, or Sweep was called late. A stall does not count
	// as silence of any host. After a stall no host is evicted before its interval + StallThreshold
	// has passed, unless its silence exceeds twice its timeout.
	//
	// Zero means 500 ms under Run, which wakes at least twice in that time. Without Run, zero means
	// that no gap is a stall, so a test can move a fake clock by any step. With a fake clock of
	// another module, zero means the same under Run. Negative means that no gap is ever a stall.
	// The least positive value is 10 ms.
	//
	// Without Run, choose the threshold above the period of the sweeps, and below
	// (timeout - interval) of each host. A single call of Confirm or Cleanup that takes longer than
	// the threshold is then a stall too, because it delays the sweep.
	//
	// A driver is slow after 8 gaps in a row above the threshold. The Logger is told once. From
	// then on the gaps count as silence, and only a gap longer than twice the fourth longest of the
	// latest 8 is a stall. A host that is gone is evicted at the second sweep after its timeout.
	// While no gap is a stall, these bounds hold, where gap is the longest one:
	//
	//	silence before eviction <= timeout + 2 x gap
	//	the same while the driver becomes slow <= timeout + 10 x gap
	//
	// A sweep that begins StallThreshold/2 or more after a gap, but within the threshold, ends the
	// row: the driver is in time.
	//
	// Some hosts tolerate only shorter gaps:
	//
	//	tolerance = max(5 ms, (timeout - interval) / 2)
	//	tolerance = max(5 ms, min(timeout - interval, interval) / 2) // with a HistoryPolicy
	//
	// A host with a tolerance below StallThreshold is impatient. Under Run, a gap longer than the
	// tolerance of the most impatient host does not count as silence of any impatient host, and Run
	// wakes at least twice in that tolerance. So hosts with an interval of 100 ms under Fixed(2)
	// survive a pause of 400 ms. At most 4 x StallThreshold of such gaps are left out of one
	// silence. These gaps do not affect other hosts, and Stats.Stalls does not count them.
	StallThreshold time.Duration

	// MaxHosts is the largest number of registered hosts. Beyond it the Announce of a new host
	// returns ErrFull. A refresh and a newer incarnation are always accepted. In a shared registry,
	// hosts of other members join beyond it, and count. Zero means no limit; negative is an error.
	MaxHosts int

	// Observation: how to observe the registry. See also Registry.Watch and Registry.Stats.

	// Shadow is a second policy that only counts the evictions that it would have made: see
	// Stats.Shadow. Nil means none. With a Shadow, each late contact takes the lock.
	Shadow Policy

	// Recorder receives a line of text, with the evidence, about each
	//   - join and departure;
	//   - late contact: after more than 1.5 intervals, or after the timeout of the Shadow;
	//   - stall;
	//   - decision of EvictionLimit or Confirm to hold a host.
	//
	// Package flight documents the format. It can assess each recorded silence again, by the same
	// policy or by another one. Nil records nothing.
	//
	// A contact on time writes nothing; a late one takes the lock. Under Run, one goroutine writes
	// as soon as there is something to write. Without Run, each Sweep ends with one Write, on a
	// goroutine of its own. Sweep and the end of Run wait for the last Write, for at most a second
	// of real time. A Write that hangs is left behind and logged, and no later Sweep waits for it.
	// Up to 16 MiB wait for the next Write. Lines beyond that are lost and counted in
	// Stats.Recorder.
	Recorder io.Writer

	// KeepMetadata makes Registry.Departures keep the metadata of its 200 departures, whatever M
	// is. It is then freed only when 200 more hosts have departed. Without KeepMetadata, only plain
	// metadata is kept.
	KeepMetadata bool

	// Logger receives evictions, stalls, the failures of callbacks, and the end of failures of
	// Cleanup. Nil logs nothing.
	//
	// No kind of event floods it. The first line with a message is written at once. While more
	// come, the pause between two grows from 1 s to 10 s, by Clock. When none has come for 10 s
	// after a pause, the next pause is 1 s again. What comes in a pause is told by the next line
	// with the message, by a later sweep, or when Run ends:
	//   - The line "evicted hosts" has the number of hosts and of their zones, as the EvictionLimit
	//     counts zones. It has the id, the zone and the reason of the first host. The Recorder has
	//     them all.
	//   - The line about stalls has the sum of their lengths.
	//   - Any other line has the attribute "more" if it stands for others: their number.
	//
	// The line "cleanups succeed again" is written when each cleanup that failed has succeeded. It
	// has the number of failures since the last such line.
	//
	// A separate goroutine writes the lines, so a handler that blocks or panics stops nothing else.
	// Under Run it exists while there are lines. Without Run, Sweep and Leave start it if there are
	// lines, and wait until they are written. They wait for a handler that blocks for at most a
	// second of real time, and not again before it has returned. So does the end of Run. Up to 1024
	// lines wait. Stats.LogLinesLost counts lines beyond that, and lines that the handler failed
	// on.
	Logger *slog.Logger
}

// withDefaults validates the Config and returns it with defaults for zero fields.
func (c Config[M]) withDefaults() (Config[M], error) {
	if c.CleanupWorkers < 0 {
		return c, fmt.Errorf("%w: Config.CleanupWorkers %d is negative", ErrInvalid, c.CleanupWorkers)
	}
	if c.CleanupTimeout < 0 {
		return c, fmt.Errorf("%w: Config.CleanupTimeout %v is negative", ErrInvalid, c.CleanupTimeout)
	}
	if c.ConfirmTimeout < 0 {
		return c, fmt.Errorf("%w: Config.ConfirmTimeout %v is negative", ErrInvalid, c.ConfirmTimeout)
	}
	if c.MaxHosts < 0 {
		return c, fmt.Errorf("%w: Config.MaxHosts %d is negative", ErrInvalid, c.MaxHosts)
	}
	if c.StallThreshold > 0 && c.StallThreshold < minStallThreshold {
		return c, fmt.Errorf("%w: Config.StallThreshold %v is below %v", ErrInvalid, c.StallThreshold, minStallThreshold)
	}
	if err := c.EvictionLimit.validate(); err != nil {
		return c, err
	}
	if c.Pacing.on() {
		var err error
		if c.Pacing, err = c.Pacing.withDefaults(); err != nil {
			return c, err
		}
	}
	if c.EvictionLimit.MaxHold == 0 {
		c.EvictionLimit.MaxHold = defaultMaxHold
	}
	if c.Policy == nil {
		c.Policy = Fixed(2)
	}
	if err := validate(c.Policy); err != nil {
		return c, err
	}
	if err := validate(c.Shadow); err != nil {
		return c, fmt.Errorf("Shadow: %w", err)
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.StallThreshold == 0 && isOthersFake(c.Clock) {
		c.StallThreshold = -1
	}
	if c.ConfirmTimeout == 0 {
		c.ConfirmTimeout = defaultConfirmTimeout
	}
	if c.CleanupWorkers == 0 {
		c.CleanupWorkers = defaultWorkers
	}
	if c.CleanupTimeout == 0 {
		c.CleanupTimeout = defaultCleanupTimeout
	}
	return c, nil
}
