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
	runMaxGap      = 500 * time.Millisecond
	minMaxGap      = 10 * time.Millisecond
	defaultWorkers = 8
)

// Config is what New makes a Registry of. The zero Config works.
type Config[M any] struct {
	// Policy says how much silence is too much. Nil means Multiple(2).
	Policy Policy

	// Shadow is a second policy, that only counts what it would have done: see Stats.Shadow.
	// Nil means that there is none. With one, each sign of life that is late takes the lock.
	Shadow Policy

	// Clock is the time source. Nil means the system's, or inside a
	// testing/synctest bubble the bubble's. The clock may step backwards, the registry's
	// own time never does. After a step of up to a second (or MaxGap, if that is longer) it
	// stands still until the clock has caught up. After a longer one it goes on from the
	// latest sweep, announce or leave; what was heard after that counts as heard later,
	// by the length of the step. A step forth of more than 73 years is not taken in.
	// 146 years after New time stands still for ever.
	Clock clock.Clock

	// MaxGap is the longest gap between two sweeps that is normal for whatever
	// drives this registry. A longer one is a stall: the process was paused,
	// the machine frozen, the driver starved. It is excused as a whole. Choose
	// it above the driver's period, or every gap is a stall.
	//
	// Zero means 500 ms under Run, which wakes at least twice in it; driven by
	// hand it excuses nothing, so that moving a fake clock and sweeping does
	// what a test expects. Negative means that nothing is ever excused. By hand a
	// single call of Confirm or Cleanup that takes longer is a stall too, for it
	// keeps the sweep from listening. The least that is allowed is 10 ms.
	//
	// A host tolerates a gap of half of (its patience - its interval), or of its interval if its
	// policy learns, but at least 5 ms. If that is less than MaxGap the host is impatient. Under
	// Run, a gap is excused for all impatient hosts if it is longer than what the most impatient
	// of them tolerates, up to 4 x MaxGap of such gaps in one silence; and Run wakes twice in that
	// time. So hosts of 100 ms under Multiple(2) survive a pause of 400 ms. Other hosts are
	// not touched by that, nor does it count as a stall in Stats. Driven by hand, the threshold is
	// MaxGap for all: choose it below (patience - interval) of the most impatient host.
	MaxGap time.Duration

	// MaxHosts is the number of hosts above which nobody new may join (a
	// refresh and a newer incarnation always may). Zero means no limit; negative
	// is an error.
	MaxHosts int

	// Cleanup frees what belonged to a departed host's life. It is repeated
	// until it returns nil, with growing pauses from 100 ms to 30 s; cleanups of
	// one id run one at a time and in order. A panic counts as an error.
	//
	// Under Run it runs on a goroutine of the registry, with Run's context.
	// Without Run it runs on the goroutine that calls Leave or Sweep, after the
	// removal, with its context; that of a Replaced host waits for the next
	// Sweep. It is not called for Forgotten hosts. Nil means that there is
	// nothing to clean up.
	//
	// It may call the registry; Leave with the context that it got, or the two
	// may wait for each other until Run ends.
	Cleanup func(context.Context, Departure[M]) error

	// CleanupWorkers is how many cleanups may run at a time under Run. Zero
	// means 8; negative is an error.
	CleanupWorkers int

	// Confirm is asked before eviction, in batches of up to 512 hosts, and
	// returns those that may go: a last probe, or another scheduler's opinion.
	// A host that it leaves out, and all of them if it fails or panics, are
	// held and asked about again a second later, or at the next Sweep by hand.
	// One batch is asked about at a time: under Run on a goroutine of its own,
	// with Run's context, else on the one that calls Sweep. Nil means that
	// nobody need be asked.
	Confirm func(context.Context, []Host[M]) ([]Host[M], error)

	// Guard holds hosts that are due if too many are at once. The zero Guard holds
	// nobody. Confirm is asked about those that it lets go.
	Guard Guard

	// Cadence is the interval that hosts are advised. The zero Cadence leaves each host the
	// one that it named.
	Cadence Cadence

	// Recorder is the flight recorder: it is given lines of text about each join, departure,
	// silence of more than one and a half intervals (or the Shadow's patience), stall, gap, and decision of the Guard or
	// Confirm, with the evidence. Package flight reads them, and judges each silence again, by
	// this policy or another one. A sign of life on time writes nothing; one that is late takes
	// the lock. Under Run it is written to as soon as there is something, without Run at the
	// end of each Sweep, by one Write. What it has no room or no time for is counted: 16 MiB wait
	// for it at most, and as much may be being written. Run waits for the last Write when it
	// ends, but no longer than a second of real time: one that hangs is left behind.
	// Nil records nothing.
	Recorder io.Writer

	// Logger is told of stalls, and of callbacks that fail. Under Run a goroutine of its own
	// writes the lines; without Run, the goroutine that calls Sweep or Leave does at the end. So a handler
	// that blocks or panics stops nothing else. 1024 lines wait at most; Stats.LogLinesLost counts
	// those that find no room, and those that the handler fails on. When Run ends it gives a
	// handler that hangs one second of real time. Nil logs nothing.
	Logger *slog.Logger
}

// withDefaults checks the Config and fills in what is left out.
func (c Config[M]) withDefaults() (Config[M], error) {
	if c.CleanupWorkers < 0 {
		return c, fmt.Errorf("%w: Config.CleanupWorkers %d is negative", ErrInvalid, c.CleanupWorkers)
	}
	if c.MaxHosts < 0 {
		return c, fmt.Errorf("%w: Config.MaxHosts %d is negative", ErrInvalid, c.MaxHosts)
	}
	if c.MaxGap > 0 && c.MaxGap < minMaxGap {
		return c, fmt.Errorf("%w: Config.MaxGap %v is below %v", ErrInvalid, c.MaxGap, minMaxGap)
	}
	if err := c.Guard.validate(); err != nil {
		return c, err
	}
	if c.Cadence.on() {
		var err error
		if c.Cadence, err = c.Cadence.withDefaults(); err != nil {
			return c, err
		}
	}
	if c.Guard.Hold == 0 {
		c.Guard.Hold = defaultHold
	}
	if c.Policy == nil {
		c.Policy = Multiple(2)
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
	if c.CleanupWorkers == 0 {
		c.CleanupWorkers = defaultWorkers
	}
	return c, nil
}
