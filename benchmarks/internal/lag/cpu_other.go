//go:build !linux

package lag

import (
	"fmt"
	"runtime"
	"time"
)

func threadID() int { return 0 }

func threadCPU(int) (time.Duration, error) {
	return 0, fmt.Errorf("%s does not tell the processor time of one thread", runtime.GOOS)
}
