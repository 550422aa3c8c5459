//go:build !linux

package endtoend

import (
	"runtime"
	"syscall"
)

// interruptible says whether a process can be asked to end.
const interruptible = runtime.GOOS != "windows"

func childAttr() *syscall.SysProcAttr { return nil }
