package share

import (
	"context"
	"log/slog"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const (
	defaultLapse = 5 * time.Second
	minLapse     = 4 * time.Second // a few renewals
	maxLapse     = time.Hour
	maxLabel     = 256
)

// Config configures a Member. Registry and Store are required. All members of a table should have
// the same Codec, Cleanup and Lapse, and their registries the same Policy and EvictionLimit.
//
// The callbacks are called with no lock held. Cleanup, and the methods of Store, each have a
// goroutine of their own and a time limit. A panic counts as an error.
type Config[M any] struct {
	// Registry is the registry of this process. Its Run should run as long as that of the Member:
	// without sweeps the Member does not renew its membership.
	Registry *hostmgr.Registry[M]
	// Store is the table that the members share.
	Store Store
	// Codec encodes metadata. Nil means JSON.
	//
	// It is called on the goroutine of Run, and must not block: a Codec that hangs stops the
	// renewals, and the other members bury this one. This is safe: a member that was buried evicts
	// no host.
	//
	// If it fails, or the metadata have more than 60 KiB, the host is shared without metadata. A
	// member that does not have the host then skips it: see Stats.Skipped.
	Codec Codec[M]
	// Cleanup frees data outside of the processes, such as rows of a database, on one member only.
	// Config.Cleanup of each registry is for what lives in its process. Nil means no shared cleanup.
	// A host that was forgotten has none.
	//
	// The member that has ended the registration runs it. If that member ends, another one takes
	// over. So it may run more than once. It may run on two members at a time: if one was out of
	// touch, or ended while a call ignored its context. Host.Registration identifies the departure.
	// The Host has its id, registration, incarnation, interval, zone and metadata.
	//
	// An error is retried, with pauses that double from 100 ms to 30 s. The context of a call ends
	// after 10 s, and with Run. At most 16 calls run at a time in a member, and one for a host.
	// Leave and Evict do not wait for it, and Drain does not do it. It may come before or after
	// Config.Cleanup of any registry.
	//
	// It does not wait for calls of While: Registry.While holds back only Config.Cleanup of its own
	// registry. So a function that stores data outside of the process may store them after Cleanup,
	// and then nothing frees them. To prevent this, let Cleanup delete the data and mark the
	// registration as ended, in one transaction, and let the function store nothing for a marked
	// registration. To look with Registry.Get afterwards is not enough, because a departure at
	// another member becomes known here a little later.
	Cleanup func(context.Context, hostmgr.Departure[M]) error
	// Lapse is how long this member may be silent in the table before the others bury it, from 4 s to
	// an hour. Zero means 5 s. With an engine that may have two primaries for some time, it must be
	// longer than that time.
	Lapse time.Duration
	// Name is shown in logs, and in the Stats of all members. It need not be unique. At most 256
	// bytes.
	Name string
	// Logger gets a line when this member joins or loses its membership, when another one ends or is
	// buried, and for errors of the table, at most one a minute. Nil means that nothing is logged. A
	// handler that hangs holds up nothing.
	Logger *slog.Logger
}

// withDefaults returns the Config with its zero values replaced.
func (c Config[M]) withDefaults() (Config[M], error) {
	if c.Lapse == 0 {
		c.Lapse = defaultLapse
	}
	if c.Codec == nil {
		c.Codec = JSON[M]()
	}
	switch {
	case c.Registry == nil:
		return c, invalid("no Registry")
	case c.Store == nil:
		return c, invalid("no Store")
	case c.Lapse < minLapse || c.Lapse > maxLapse:
		return c, invalid("Lapse %v is not between %v and %v", c.Lapse, minLapse, maxLapse)
	case len(c.Name) > maxLabel:
		return c, invalid("Name has more than %d bytes", maxLabel)
	}
	return c, nil
}
