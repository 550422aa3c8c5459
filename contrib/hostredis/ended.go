package hostredis

import (
	"context"

	"github.com/hostlife/hostlife/clock"
)

// ended returns the error of ctx if ctx has ended, or if its deadline has passed. A connection ends
// at the deadline by itself, perhaps a moment before ctx has an error. Its error, an i/o timeout, is
// then that of ctx.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !clock.System().Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}
