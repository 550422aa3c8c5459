package cluster

import "syscall"

// childAttr gives a child a process group of its own, so that Ctrl-C reaches
// only us, and has the kernel kill it when we are gone (see procs).
func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
