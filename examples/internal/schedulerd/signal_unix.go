//go:build unix

package schedulerd

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// onStatusSignal calls f at each SIGUSR1 until ctx ends.
func onStatusSignal(ctx context.Context, f func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	defer signal.Stop(c)
	for {
		select {
		case <-c:
			f()
		case <-ctx.Done():
			return
		}
	}
}
