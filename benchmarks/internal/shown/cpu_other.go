//go:build !unix

package shown

import (
	"fmt"
	"runtime"
	"time"
)

func cpu() (time.Duration, error) {
	return 0, fmt.Errorf("the processor time of a process is not implemented on %s", runtime.GOOS)
}
