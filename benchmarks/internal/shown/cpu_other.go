//go:build !unix

package shown

import (
	"fmt"
	"runtime"
	"time"
)

func cpu() (time.Duration, error) {
	return 0, fmt.Errorf("nobody asked %s yet for the processor time of a process", runtime.GOOS)
}
