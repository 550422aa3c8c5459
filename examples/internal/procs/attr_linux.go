package procs

import "syscall"

// childAttr gives a child a process group of its own, so that Ctrl-C reaches only this process, and
// has the kernel kill it when this process is gone: see Group.
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
