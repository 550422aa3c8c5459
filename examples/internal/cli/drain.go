package cli

import (
	"context"
	"errors"
	"time"

	"github.com/hostlife/hostlife/hostmgr"
)

const lastCleanups = 10 * time.Second

// Drain ends a command whose Run has returned err. It does the cleanups that Run has left undone, for at
// most ten seconds. It returns the other errors of err, and the one of drain.
func Drain(err error, drain func(context.Context) error) error {
	if errors.Is(err, hostmgr.ErrCleanupPending) {
		err = nil // drain says whether they still are
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastCleanups)
	defer cancel()
	return errors.Join(err, drain(ctx))
}
