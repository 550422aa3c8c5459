//go:build unix && !linux

package cluster

import "syscall"

// childAttr gives a child a process group of its own, so that Ctrl-C reaches
// only us (see procs).
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
