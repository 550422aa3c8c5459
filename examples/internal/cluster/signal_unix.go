//go:build unix

package cluster

import (
	"os"
	"syscall"
)

const supported = true

var (
	sigStop   os.Signal = syscall.SIGSTOP
	sigCont   os.Signal = syscall.SIGCONT
	sigStatus os.Signal = syscall.SIGUSR1
)
