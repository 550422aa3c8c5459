package announcer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/hostlife/hostlife/clock"
	"github.com/hostlife/hostlife/hostmgr"
)

const (
	defaultLeaveTimeout = 3 * time.Second

	// A registry accepts intervals and names within these limits.
	minInterval = 10 * time.Millisecond
	maxInterval = 24 * time.Hour
	maxName     = 1 << 10 // bytes of an id, a zone or a speaker
)

// Config configures an Announcer. ID and Announce are required, or ID and Targets.
//
// The functions are called with no lock held, each on a goroutine of its own. Announce and
// Heartbeat may be called by several goroutines at a time, because a contact without an answer is
// repeated before it has ended. Metadata is called by one goroutine at a time. So are Joined and
// Leave of a target.
//
// The context of a call ends by Config.Clock. With the system clock its time limit is a deadline,
// which clients pass on. With another clock it has no deadline: at the limit its Err is
// context.Canceled, and context.Cause of it wraps context.DeadlineExceeded. That is also so after a
// suspension of the machine.
//
// A panic counts as an error of that call. A call that has not returned 10 s after its context
// ended is left behind: the target goes on without it, and another call of the same function may
// begin. At most 8 calls of a target are left behind at a time. Beyond that, calls keep their
// places until one of these returns, or Run ends.
type Config[M any] struct {
	// ID, Zone and Speaker go into each Announcement. Each has at most 1024 bytes. ID must not be
	// empty.
	ID, Zone, Speaker string

	// Interval is the time between contacts while the registry advises none, from 10 ms to 24 h.
	// Zero means hostmgr.DefaultInterval.
	//
	// With hostmgr.Never the host announces itself until it is accepted, and then makes no contact
	// until Refresh or Leave. So it is not registered again after the registry has restarted.
	Interval time.Duration

	// Incarnation goes into each Announcement. Zero means the wall clock of Clock at New, in
	// nanoseconds since 1970.
	Incarnation uint64

	// Metadata returns the metadata of the next announcement. Nil means the zero M. If it is set,
	// each Announcement has a Revision. So an older one that arrives late does not overwrite the
	// metadata of a newer one in the same registry.
	Metadata func() M

	// Announce passes an announcement to the registry, and returns its answer.
	//
	// If the error is hostmgr.ErrStale, Ack.Incarnation should be the incarnation that refused, as
	// the registry returns it. Zero means that it is unknown. Other errors need no Ack.
	Announce func(context.Context, hostmgr.Announcement[M]) (hostmgr.Ack, error)

	// Heartbeat passes a heartbeat to the registry. Nil means that each contact is an Announce.
	// Otherwise the contacts of a registered host are heartbeats. So changed metadata are announced
	// only with the next registration, or after Announcer.Refresh.
	Heartbeat func(ctx context.Context, id string, incarnation uint64) (hostmgr.Ack, error)

	// Leave passes a leave to the registry. Nil means that the host only falls silent.
	Leave func(ctx context.Context, id string, incarnation uint64) error

	// Joined is called when a new registration has begun: after the first announce, after the host
	// was gone, and after the registry restarted. It registers again what belongs to the host. An
	// error is retried, with pauses that grow to the interval, so Joined must be idempotent.
	// Contacts go on meanwhile. Nil means that there is nothing to do.
	//
	// The context has no time limit. It ends when Run or the registration does, so Joined may start
	// work for the registration. It also ends when the call fails.
	//
	// Its Ack has the interval in use and the incarnation of the host, even if the registry did not
	// name them.
	//
	// An Ack without a Registration does not say whether the registration is new. So Joined is
	// called after each Announce that returns such an Ack.
	Joined func(context.Context, hostmgr.Ack) error

	// Targets are the registries, if there are several. Each has its own phase, interval and state.
	// Announce, Heartbeat, Leave and Joined above must be nil then.
	Targets []Target[M]

	// Classify says what an error of Announce or Heartbeat means. Nil means the function Classify.
	// It may be called by several goroutines at a time.
	Classify func(error) Action

	// Sequential makes each attempt wait until the previous one has returned. It is for transports
	// that repeat what is lost, such as TCP: there a second attempt does not arrive sooner, and
	// adds to the load of a process of many hosts. If all attempts hang until their limit, there
	// are 4 in an interval. No attempt is left behind before Run ends: one that ignores its
	// context, because it waits in a queue of the process, keeps its place there.
	Sequential bool

	// LeaveTimeout limits the end of Run: the wait for contacts under way, and then all tries of
	// Leave together. Zero means 3 s; negative is an error.
	LeaveTimeout time.Duration

	// Clock is the time source. Nil means the system clock; in a testing/synctest bubble, the clock
	// of the bubble. If the wall clock of a reading has moved further than its monotonic part, the
	// machine counts as suspended meanwhile.
	Clock clock.Clock

	// Logger gets joins, changed intervals, the first of several failures and their end, a raised
	// incarnation, and the stop of all contacts. Nil means that nothing is logged. A handler that
	// hangs holds up nothing.
	Logger *slog.Logger
}

// A Target is one of several registries. Its fields are those of Config.
type Target[M any] struct {
	Name      string // for Status, errors and the log; must differ from the others
	Announce  func(context.Context, hostmgr.Announcement[M]) (hostmgr.Ack, error)
	Heartbeat func(ctx context.Context, id string, incarnation uint64) (hostmgr.Ack, error)
	Leave     func(ctx context.Context, id string, incarnation uint64) error
	Joined    func(context.Context, hostmgr.Ack) error
}

// withDefaults returns the Config with its zero values replaced, and with Targets.
func (c Config[M]) withDefaults() (Config[M], error) {
	if c.Interval == 0 {
		c.Interval = hostmgr.DefaultInterval
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	if c.Incarnation == 0 {
		c.Incarnation = uint64(c.Clock.Now().UnixNano())
	}
	if c.Classify == nil {
		c.Classify = Classify
	}
	if c.LeaveTimeout == 0 {
		c.LeaveTimeout = defaultLeaveTimeout
	}
	if err := c.check(); err != nil {
		return c, err
	}
	if len(c.Targets) == 0 {
		c.Targets = []Target[M]{{Announce: c.Announce, Heartbeat: c.Heartbeat, Leave: c.Leave, Joined: c.Joined}}
	}
	return c, nil
}

func (c *Config[M]) check() error {
	switch {
	case c.ID == "":
		return invalid("empty ID")
	case len(c.ID) > maxName || len(c.Zone) > maxName || len(c.Speaker) > maxName:
		return invalid("ID, Zone or Speaker has more than %d bytes", maxName)
	case !isInterval(c.Interval) && c.Interval != hostmgr.Never:
		return invalid("Interval %v is neither between %v and %v nor hostmgr.Never", c.Interval, minInterval, maxInterval)
	case c.LeaveTimeout < 0:
		return invalid("LeaveTimeout %v is negative", c.LeaveTimeout)
	case len(c.Targets) == 0 && c.Announce == nil:
		return invalid("no Announce")
	}
	return c.checkTargets()
}

func (c *Config[M]) checkTargets() error {
	if len(c.Targets) > 0 && (c.Announce != nil || c.Heartbeat != nil || c.Leave != nil || c.Joined != nil) {
		return invalid("both Targets and functions of a single registry")
	}
	names := map[string]bool{}
	for _, t := range c.Targets {
		switch {
		case t.Announce == nil:
			return invalid("target %.99q has no Announce", t.Name)
		case names[t.Name]:
			return invalid("two targets are called %.99q", t.Name)
		}
		names[t.Name] = true
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: announcer: %s", hostmgr.ErrInvalid, fmt.Sprintf(format, args...))
}

// isInterval reports whether a registry accepts the interval.
func isInterval(d time.Duration) bool { return minInterval <= d && d <= maxInterval }
