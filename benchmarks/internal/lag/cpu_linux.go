package lag

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

func threadID() int { return syscall.Gettid() }

// threadCPU is the processor time that a thread of this process has taken: the
// first field of its schedstat, in nanoseconds.
func threadCPU(thread int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/schedstat", thread))
	if err != nil {
		return 0, err
	}
	var ns int64
	if _, err := fmt.Sscan(string(stat), &ns); err != nil {
		return 0, fmt.Errorf("schedstat %q: %w", stat, err)
	}
	return time.Duration(ns), nil
}
