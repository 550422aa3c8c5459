package hostredis_test

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends a process with this one.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
