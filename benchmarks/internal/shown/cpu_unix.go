//go:build unix

package shown

import (
	"syscall"
	"time"
)

// cpu is the processor time that this process has taken.
func cpu() (time.Duration, error) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), err
}
