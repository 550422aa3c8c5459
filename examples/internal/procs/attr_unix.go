//go:build unix && !linux

package procs

import "syscall"

// childAttr gives a child a process group of its own, so that Ctrl-C reaches only this process: see
// Group.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
