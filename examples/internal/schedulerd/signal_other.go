//go:build !unix

package schedulerd

import "os"

// statusSignals returns a channel on which nothing comes where there is no SIGUSR1.
func statusSignals() (c chan os.Signal, stop func()) { return nil, func() {} }
