package schedulerd

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/hostlife/hostlife/examples/internal/cli"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A Table is the table that several schedulers share, as flags describe it.
type Table struct {
	URL       string // of the engine; empty: the hosts are not shared
	Namespace string
	Lapse     time.Duration
	Logger    *slog.Logger
}

// Stores are what a Table may name.
type Stores interface {
	// Open connects to a table. The function that it returns closes the connection, after the last
	// use of the Store.
	Open(Table) (store share.Store, closeStore func() error, err error)
	// Clear deletes a table that no process uses any more.
	Clear(context.Context, Table) error
}

// errNoStores is that of a command without Stores: a program that never shares its hosts does
// not link the clients of Redis and etcd.
var errNoStores = errors.New("this binary has no stores: run examples/scheduler, which has them")

func (c *Config) addShareFlags(fs *flag.FlagSet) {
	fs.StringVar(&c.table.URL, "share", "", "`URL` of the table that several schedulers share: redis://HOST:PORT, rediss://HOST:PORT (TLS)\nor etcd://HOST:PORT,HOST:PORT; empty means that this scheduler is on its own")
	fs.StringVar(&c.table.Namespace, "share-namespace", "hostlife", "`name` of the table: schedulers with the same name share their hosts")
	fs.StringVar(&c.name, "share-name", "", "`name` of this scheduler in logs and on pages; empty means its host name and port")
	fs.DurationVar(&c.table.Lapse, "lapse", defaultLapse, "how long a scheduler may be out of touch before the others take over its hosts;\nit must be longer than the time for which the engine may have two primaries")
	fs.BoolVar(&c.clear, "share-clear", false, "delete the table that -share names, and exit; no scheduler may use it any more")
	fs.BoolVar(&c.withStdin, "with-stdin", false, "exit when stdin ends, as it does when a parent process is gone")
}

const (
	defaultLapse = 5 * time.Second
	minLapse     = 4 * time.Second
	maxLapse     = time.Hour
	maxLabel     = 256 // bytes
)

// validateShare refuses what package share would refuse, and names the flags.
func (c Config) validateShare() error {
	switch {
	case c.table.Lapse < minLapse || c.table.Lapse > maxLapse:
		return cli.Usagef("-lapse %v is not from %v to %v", c.table.Lapse, minLapse, maxLapse)
	case len(c.name) > maxLabel:
		return cli.Usagef("-share-name has more than %d bytes", maxLabel)
	case c.clear && c.table.URL == "":
		return cli.Usagef("-share-clear needs -share")
	case c.table.Namespace == "":
		return cli.Usagef("-share-namespace is empty")
	}
	return nil
}

// openStore connects to the table, if one is named.
func (c *Config) openStore(stores Stores, log *slog.Logger) (closeStore func() error, err error) {
	if c.table.URL == "" {
		return func() error { return nil }, nil
	}
	if stores == nil {
		return nil, fmt.Errorf("-share: %w", errNoStores)
	}
	c.table.Logger = log
	if c.store, closeStore, err = stores.Open(c.table); err != nil {
		return nil, fmt.Errorf("-share: %w", err)
	}
	return closeStore, nil
}

// nameAfter names the member after the host and the port of this scheduler, if no name is given.
func (c *Config) nameAfter(listening net.Addr) {
	if c.name != "" {
		return
	}
	c.name = listening.String()
	host, err := os.Hostname()
	if _, port, splitErr := net.SplitHostPort(c.name); err == nil && splitErr == nil {
		c.name = net.JoinHostPort(host, port)
	}
	c.name = c.name[:min(len(c.name), maxLabel)]
}

// newMember returns the member that shares the registry of s, or nil if there is no table.
func (s *Server) newMember(cfg Config, log *slog.Logger) (*member, error) {
	if cfg.store == nil {
		return nil, nil
	}
	m := &member{process: rand.Text(), name: cfg.name}
	s.log = s.log.With("name", cfg.name)
	var err error
	m.shared, err = share.New(share.Config[*host]{
		Registry: s.hosts, Store: historyOfStore(cfg.history, cfg.store), Codec: protobuf{},
		Cleanup: historyOfCleanup(cfg.history, s.sharedCleanup),
		Lapse:   cfg.table.Lapse, Name: cfg.name, Logger: log,
	})
	return m, err
}

// runMember shares the registry until ctx ends, and has the health service show whether it is shared.
func (s *Server) runMember(ctx context.Context) {
	if s.member == nil {
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- s.member.shared.Run(ctx) }()
	tick := time.NewTicker(healthPeriod)
	defer tick.Stop()
	for ready := false; ; {
		select {
		case <-tick.C:
			if now := s.member.isReady(); now != ready {
				ready = now
				s.showHealth(ready)
			}
		case err := <-ended:
			if err != nil {
				s.log.Error("sharing the registry has ended with an error", "err", err)
			}
			return
		}
	}
}

// owed is how many shared cleanups are not done, as far as this scheduler knows.
func (m *member) owed() int {
	if m == nil {
		return 0
	}
	return m.shared.Stats().Cleanup.Owed
}
