//go:build !unix

package schedulerd

import "context"

// onStatusSignal does nothing where there is no SIGUSR1.
func onStatusSignal(context.Context, func()) {}
