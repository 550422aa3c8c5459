package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const lastCleanups = 10 * time.Second

// A Registry is a hostmgr.Registry, whatever its metadata are.
type Registry interface {
	Drain(context.Context) error
	Len() int
	Stats() hostmgr.Stats
}

// Drain ends a command whose Run has returned err. It does the cleanups that Run has left undone,
// for at most ten seconds, and prints what the command did. It returns the error of hosts.Drain,
// joined with err, unless err only says that cleanups are pending.
func Drain(err error, hosts Registry, stdout io.Writer) error {
	if errors.Is(err, hostmgr.ErrCleanupPending) {
		err = nil // Drain says whether they still are
	}
	last, cancel := context.WithTimeout(context.Background(), lastCleanups)
	defer cancel()
	err = errors.Join(err, hosts.Drain(last))
	s := hosts.Stats()
	_, _ = fmt.Fprintf(stdout, "end: hosts registered: %d, departed: %d, cleanups pending: %d\n",
		hosts.Len(), s.Departures.Left+s.Departures.Evicted+s.Departures.Replaced, s.Cleanup.Pending)
	return err
}
