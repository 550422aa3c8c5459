//go:build !unix

package schedulerd

import "os"

// statusSignals returns a channel that receives nothing: there is no SIGUSR1 here.
func statusSignals() (c chan os.Signal, stop func()) { return nil, func() {} }
