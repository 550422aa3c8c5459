package measure

import "syscall"

// switches is how often the kernel has given this thread's processor to another one while
// it had work to do.
func switches() (n int64, known bool) {
	var u syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u)
	return int64(u.Nivcsw), err == nil //nolint:unconvert // it is 32 bits wide on some
}
