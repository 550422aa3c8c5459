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

// Config is what New makes a Registry from. The zero Config works.
type Config[M any] struct {
	// Detection: when a host is suspect, and when it is evicted.

	// Policy says how much silence makes a host suspect, and how much evicts it. Nil means Fixed(2).
	Policy Policy

	// EvictionLimit holds hosts that are due if too many are due at once. The zero EvictionLimit
	// holds no host. Confirm is asked about those that the limit does not hold.
	EvictionLimit EvictionLimit

	// Confirm is asked before an eviction, in batches of up to 512 hosts, and
	// returns the hosts that may be evicted: a last probe, or another scheduler's opinion.
	// A host that it leaves out is held, and all of them are if it fails or panics. Held hosts are
	// asked about again a second later, or at the next Sweep by hand.
	// One batch is asked about at a time: under Run on a goroutine of its own,
	// with Run's context, otherwise on the one that calls Sweep. Nil means that
	// evictions need no confirmation.
	Confirm func(context.Context, []Host[M]) ([]Host[M], error)

	// Pacing is the interval that hosts are advised. The zero Pacing leaves each host the
	// interval that it named.
	Pacing Pacing

	// Departure: what happens when a host is gone.

	// Cleanup frees what the embedder keeps for a departed host. It is repeated
	// until it returns nil, with pauses that grow from 100 ms to 30 s. Cleanups of
	// one id run one at a time and in order. A panic counts as an error.
	//
	// Under Run it runs on a goroutine of the registry, with Run's context.
	// Without Run it runs on the goroutine that calls Leave or Sweep, after the
	// removal, with its context; the cleanup of a replaced host waits for the next
	// Sweep. It is not called for forgotten hosts. Nil means that there is
	// nothing to clean up.
	//
	// It may call the registry. It must call Leave with the context that it got: otherwise the two
	// may wait for each other until Run ends.
	Cleanup func(context.Context, Departure[M]) error

	// CleanupWorkers is how many cleanups may run at a time under Run. Zero
	// means 8; negative is an error.
	CleanupWorkers int

	// Driving: time, sweeps and size.

	// Clock is the time source. Nil means the system's, or inside a
	// testing/synctest bubble the bubble's. The clock may step back; the registry's
	// own time never does. After a step back of up to a second (or StallThreshold, if that is longer)
	// it stands still until the clock has caught up. After a longer one it goes on from the
	// latest sweep, announce or leave, and later contacts count as later
	// by the length of the step. A step forth of more than 73 years is ignored.
	// 146 years after New time stands still for ever.
	Clock clock.Clock

	// StallThreshold is the longest gap between two sweeps that is normal for
	// the driver of this registry. A longer gap is a stall: the process was paused,
	// the machine frozen, the driver starved. A stall does not count as silence. Choose the threshold
	// above the driver's period, or every gap is a stall.
	//
	// Zero means 500 ms under Run, which wakes at least twice in that time. Driven by
	// hand zero means that no gap is a stall, so that moving a fake clock and sweeping does
	// what a test expects. Negative means that no gap is ever a stall. The least allowed value is 10 ms.
	// By hand, a single call of Confirm or Cleanup that takes longer is a stall too, because it
	// delays the sweep.
	//
	// A host tolerates a gap of (timeout - interval) / 2; with a HistoryPolicy at most its
	// interval / 2; always at least 5 ms. A host that tolerates less than StallThreshold is impatient. Under
	// Run, a gap that is longer than what the most impatient host tolerates does not count as silence of any
	// impatient host, up to 4 x StallThreshold of such gaps in one silence; and Run wakes twice in that
	// time. So hosts with an interval of 100 ms under Fixed(2) survive a pause of 400 ms. This does
	// not affect other hosts, and it is not counted in Stats.Stalls. Driven by hand, the threshold is
	// the same for all hosts: choose it below (timeout - interval) of the most impatient host.
	StallThreshold time.Duration

	// MaxHosts is the number of hosts above which no new host may join. A
	// refresh and a newer incarnation always may. Zero means no limit; negative
	// is an error.
	MaxHosts int

	// Observation: what is seen of it.

	// Shadow is a second policy that only counts what it would have done: see Stats.Shadow.
	// Nil means that there is none. With a Shadow, each late contact takes the lock.
	Shadow Policy

	// Recorder is the flight recorder: it receives lines of text about each join, departure, late
	// contact (after more than 1.5 intervals, or the Shadow's timeout), stall, and decision of
	// EvictionLimit or Confirm, with the evidence. Package flight reads the lines and judges each
	// silence again, by the same policy or by another one. A contact on time writes nothing; a late
	// one takes the lock. Under Run a goroutine writes as soon as there is something; without Run
	// each Sweep ends with one Write. At most 16 MiB wait, and as much may be in a Write; what finds no
	// room is lost, and counted. Run waits for the last Write when it
	// ends, but no longer than a second of real time; then it leaves a hanging Write behind.
	// Nil records nothing.
	Recorder io.Writer

	// Logger receives stalls, and callbacks that fail. Under Run a goroutine of its own
	// writes the lines; without Run the goroutine that calls Sweep or Leave does so at its end. So a handler
	// that blocks or panics stops nothing else. At most 1024 lines wait; Stats.LogLinesLost counts
	// those that find no room, and those that the handler fails on. When Run ends it gives a
	// hanging handler one second of real time. Nil logs nothing.
	Logger *slog.Logger
}

// withDefaults checks the Config and fills in zero fields.
func (c Config[M]) withDefaults() (Config[M], error) {
	if c.CleanupWorkers < 0 {
		return c, fmt.Errorf("%w: Config.CleanupWorkers %d is negative", ErrInvalid, c.CleanupWorkers)
	}
	if c.MaxHosts < 0 {
		return c, fmt.Errorf("%w: Config.MaxHosts %d is negative", ErrInvalid, c.MaxHosts)
	}
	if c.StallThreshold > 0 && c.StallThreshold < minMaxGap {
		return c, fmt.Errorf("%w: Config.StallThreshold %v is below %v", ErrInvalid, c.StallThreshold, minMaxGap)
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
	if c.CleanupWorkers == 0 {
		c.CleanupWorkers = defaultWorkers
	}
	return c, nil
}
