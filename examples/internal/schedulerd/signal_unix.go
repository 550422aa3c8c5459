//go:build unix

package schedulerd

import (
	"os"
	"os/signal"
	"syscall"
)

// statusSignals returns a channel that receives each SIGUSR1 from now on, until stop is called.
// Several that come at once count as one.
func statusSignals() (c chan os.Signal, stop func()) {
	c = make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	return c, func() { signal.Stop(c) }
}
